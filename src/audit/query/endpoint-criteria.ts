/** Criteria for one endpoint of a record. */
import { cidrContains, parseAddress, parseCidr, type Address, type Cidr } from '../../model/address.js';
import { kindOf, parseEndpointName } from '../../model/endpoint-name.js';
import type { RecordFields } from '../reading/line-reader.js';
import type { EndpointRole } from '../record.js';
import { podOf } from './fields.js';

export type Criterion = (fields: RecordFields) => boolean;
/** One criterion for each endpoint. */
export type EndpointCriterion = (end: EndpointRole) => Criterion;

/** A pod by a prefix of its name, as in hubble. */
export function podCriterion(text: string): EndpointCriterion | undefined {
  if (text === '') return undefined;
  // As audit show prints it: with the port, which is another filter's.
  const [, name = text, port] = /^([^:]+)(:\d+)?$/.exec(text) ?? [];
  const matches = (pod: string): boolean => (port === undefined ? pod.startsWith(name) : pod === name);
  if (name.includes('/')) return (end) => (fields) => matches(podOf(fields, end));
  return (end) => (fields) => matches(String(fields.get(`${end}.k8s.pod.name`) ?? ''));
}

/** Names as `can` takes them; the port of an endpoint is another filter's. Undefined for what a record does not know. */
export function workloadCriterion(text: string): EndpointCriterion | undefined {
  const asked = parseEndpointName(text.toLowerCase());
  const { kind: askedKind, namespace: space, name } = asked;
  if (name === '' || name.includes('/') || askedKind === 'svc' || askedKind === 'node' || askedKind === 'dns')
    return undefined;
  return (end) => (fields) => {
    const lower = (key: string): string => String(fields.get(`${end}.k8s.${key}`) ?? '').toLowerCase();
    const [kind, called] =
      lower('workload.name') === '' ? ['pod', lower('pod.name')] : [lower('workload.kind'), lower('workload.name')];
    const namespace = lower('namespace.name');
    if (called === '') return false;
    if (askedKind !== undefined && askedKind !== kindOf(kind)) return false;
    if (space === undefined) return called === name || `${called}.${namespace}` === name;
    // Of rollout/web nobody knows whether it is a kind or a namespace.
    return called === name && (space === namespace || (askedKind === undefined && kindOf(space) === kindOf(kind)));
  };
}

export function addressCriterion(text: string): EndpointCriterion | undefined {
  const address = parseAddress(text);
  if (address !== undefined) return (end) => (fields) => fields.get(`${end}.address`) === address;
  const cidr: Cidr | undefined = parseCidr(text);
  if (cidr === undefined) return undefined;
  return (end) => (fields) => {
    const value = fields.get(`${end}.address`);
    return value !== undefined && cidrContains(cidr, value as Address);
  };
}

export function portCriterion(text: string): EndpointCriterion | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined || Number(first) > Number(last) || Number(last) > 65_535) return undefined;
  return (end) => (fields) => {
    const port = Number(fields.get(`${end}.port`) ?? -1);
    return port >= Number(first) && port <= Number(last);
  };
}
