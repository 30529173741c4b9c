/** What `--from` and `--to` of reach take: an endpoint of `can`, a namespace, labels. */
import { allPorts, noPorts, portSet } from '../evaluation/port-sets.js';
import type { EndpointFilter, ListedEndpoint } from './listed-endpoints.js';
import { rangeContains } from '../addresses/address-ranges.js';
import { publicFilter, type ExternalRange } from '../evaluation/external-ranges.js';
import { addressToNumber, familyOf, type Address } from '../model/address.js';
import { parseEndpointName } from '../model/endpoint-name.js';
import type { PortSet } from '../model/reachability.js';
import { matches } from '../selectors/match.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { parseLabels } from './label-text.js';
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
    const { namespace, labels = text } = parseEndpointName(text);
    const selector = parseLabels(labels);
    return ({ workload }) =>
      workload !== undefined &&
      (namespace === undefined || workload.namespace === namespace) &&
      matches(selector, workload.labels)
        ? allPorts
        : noPorts;
  }
  if (text === 'internet') {
    const isPublic = publicFilter();
    return ({ range }) => (range !== undefined && isPublic(range) ? allPorts : noPorts);
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

/** A Service means its pods, at the target ports of its own ports; an address that is no pod's, the range that has it. */
function filterOfEndpoints(named: NamedEndpoint, range: string): EndpointFilter {
  const ports = new Map<string, PortSet>();
  const addresses: Address[] = [];
  for (const one of named.endpoints)
    if (one.kind === 'workload')
      ports.set(one.workload.id, named.service === undefined ? allPorts : servicePorts(named.service, one));
    else if (one.range === undefined) addresses.push(one.address);
  const holds = (of: ExternalRange | undefined): boolean =>
    addresses.some((one) => of?.family === familyOf(one) && rangeContains(of, addressToNumber(one)));
  return ({ endpoint, range: of }: ListedEndpoint) =>
    ports.get(endpoint.id) ?? (endpoint.id === range || holds(of) ? allPorts : noPorts);
}

function servicePorts({ service, port }: NamedService, endpoint: FlowEndpoint): PortSet {
  const ports = service.ports.filter(
    ({ port: number, protocol, name }) =>
      port === undefined || [String(number), `${number}/${protocol}`, name].includes(port),
  );
  if (ports.length === 0) throw new InputError(`svc/${service.ref.name} has no port ${port ?? ''}`);
  return portSet(
    ports.flatMap((one) => {
      const target = targetPort(one, endpoint);
      return target === undefined ? [] : [{ protocol: target.protocol, first: target.number, last: target.number }];
    }),
  );
}
