/** What `--from` and `--to` of reach take: an endpoint of `can`, a namespace, labels. */
import { allPorts, noPorts, portSet } from '../evaluation/port-sets.js';
import type { EndpointFilter, ListedEndpoint } from './listed-endpoints.js';
import { rangeContains } from '../addresses/address-ranges.js';
import { publicFilter } from '../evaluation/external-ranges.js';
import { addressToNumber, familyOf, parseAddress } from '../model/address.js';
import type { LabelSelector } from '../model/labels.js';
import type { PortSet } from '../model/reachability.js';
import { matches } from '../selectors/match.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { EndpointNames, targetPort, type NamedEndpoint, type NamedService } from './endpoint-names.js';
import { InputError } from '../generic/input-error.js';

/** Undefined without texts: no filter. */
export function filterOf(
  texts: readonly string[],
  names: EndpointNames,
  namespaces: ReadonlySet<string>,
): EndpointFilter | undefined {
  if (texts.length === 0) return undefined;
  const filters = texts.map((text) => one(text, names, namespaces));
  return (endpoint) => filters.map((filter) => filter(endpoint)).find((ports) => ports.length > 0) ?? noPorts;
}

function one(text: string, names: EndpointNames, namespaces: ReadonlySet<string>): EndpointFilter {
  const [, kind, name = text] = /^(namespaces?|ns)\/(.+)$/.exec(text) ?? [];
  if (kind !== undefined || (namespaces.has(name) && !isEndpoint(text, names))) {
    if (!namespaces.has(name))
      throw new InputError(`no namespace ${name}; there are: ${[...namespaces].sort().join(', ') || 'none'}`);
    return ({ workload }) => (workload?.namespace === name ? allPorts : noPorts);
  }
  if (/[=,]|^!/.test(text)) {
    const selector = parseLabels(text);
    return ({ workload }) => (workload !== undefined && matches(selector, workload.labels) ? allPorts : noPorts);
  }
  if (text === 'internet') {
    const isPublic = publicFilter();
    return ({ range }) => (range !== undefined && isPublic(range) ? allPorts : noPorts);
  }
  const address = parseAddress(text);
  if (address !== undefined) {
    const named = names.named(text);
    if (named.endpoints.some((one) => one.kind === 'workload')) return filterOfEndpoints(named);
    const number = addressToNumber(address);
    return ({ range }) => (range?.family === familyOf(address) && rangeContains(range, number) ? allPorts : noPorts);
  }
  return filterOfEndpoints(names.named(text), text);
}

function isEndpoint(text: string, names: EndpointNames): boolean {
  try {
    return names.named(text).endpoints.length > 0;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** A Service means its pods, at the target ports of its own ports. */
function filterOfEndpoints(named: NamedEndpoint, range?: string): EndpointFilter {
  const ports = new Map<string, PortSet>();
  for (const one of named.endpoints)
    if (one.kind === 'workload')
      ports.set(one.workload.id, named.service === undefined ? allPorts : servicePorts(named.service, one));
  return ({ endpoint }: ListedEndpoint) => ports.get(endpoint.id) ?? (endpoint.id === range ? allPorts : noPorts);
}

function servicePorts({ service, port }: NamedService, endpoint: FlowEndpoint): PortSet {
  const ports = service.ports.filter(
    ({ port: number, name }) => port === undefined || port === String(number) || port === name,
  );
  if (ports.length === 0) throw new InputError(`svc/${service.ref.name} has no port ${port ?? ''}`);
  return portSet(
    ports.flatMap((one) => {
      const target = targetPort(one, endpoint);
      return target === undefined ? [] : [{ protocol: target.protocol, first: target.number, last: target.number }];
    }),
  );
}

/** `app=web,tier!=db,team,!old`: equality and existence, as kubectl's -l has them. */
function parseLabels(text: string): LabelSelector {
  const requirements = text.split(',').map((part): LabelSelector['requirements'][number] => {
    const [, key = '', operator = '', value = ''] = /^([^=!]+?)(==?|!=)(.*)$/.exec(part) ?? [];
    if (key !== '') return { operator: operator === '!=' ? 'NotIn' : 'In', key, values: [value] };
    return part.startsWith('!') ? { operator: 'DoesNotExist', key: part.slice(1) } : { operator: 'Exists', key: part };
  });
  return { requirements };
}
