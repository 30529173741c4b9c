/** Criteria for one endpoint of a record. */
import { cidrContains, parseAddress, parseCidr, type Address, type Cidr } from '../../model/address.js';
import type { RecordFields } from '../reading/line-reader.js';
import type { EndpointRole } from '../record.js';
import { podOf } from './fields.js';

export type Criterion = (fields: RecordFields) => boolean;
/** One criterion for each endpoint. */
export type EndpointCriterion = (end: EndpointRole) => Criterion;

/** A pod by a prefix of its name, as in hubble. */
export function podCriterion(text: string): EndpointCriterion | undefined {
  if (text === '') return undefined;
  const slash = text.indexOf('/');
  if (slash >= 0) return (end) => (fields) => podOf(fields, end).startsWith(text);
  return (end) => (fields) => fields.get(`${end}.k8s.pod.name`)?.toString().startsWith(text) === true;
}

/** `web`, `shop/web`, `deployment/web`, `shop/deployment/web`. */
export function workloadCriterion(text: string): EndpointCriterion | undefined {
  const parts = text.toLowerCase().split('/');
  const name = parts.pop();
  if (name === undefined || parts.length > 2) return undefined;
  return (end) => (fields) => {
    const lower = (key: string): string => String(fields.get(`${end}.k8s.${key}`) ?? '').toLowerCase();
    const own =
      lower('workload.name') === '' ? ['pod', lower('pod.name')] : [lower('workload.kind'), lower('workload.name')];
    const [kind = '', called] = own;
    if (called !== name) return false;
    const namespace = lower('namespace.name');
    return parts.length === 2
      ? parts[0] === namespace && parts[1] === kind
      : parts.every((part) => part === namespace || part === kind);
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
