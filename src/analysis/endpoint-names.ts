/** Source and destination of a connection as people write them. */
import { nodeAddressesOf, type NodeAddresses } from '../addresses/node-addresses.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import {
  externalRanges,
  internetRanges,
  parseRange,
  partsOf,
  rangeId,
  type ExternalRange,
} from '../evaluation/external-ranges.js';
import { ownerKey, type Workload, type WorkloadMember } from '../model/workload.js';
import { families, familyOf, parseAddress, type Address, type Family } from '../model/address.js';
import { nodeLocalDnsAddress, type Pod } from '../model/pod.js';
import { isCalled, kindOf, parseEndpointName, type EndpointName } from '../model/endpoint-name.js';
import { protocols, type Protocol } from '../model/policy.js';
import type { Service, ServicePort } from '../model/service.js';
import { matches } from '../selectors/match.js';
import { InputError } from '../generic/input-error.js';
import type { ClusterObjects } from '../model/cluster-objects.js';
import type { CompiledInput } from './compiled-input.js';
import { nearestNames } from './nearest-names.js';
import { parseLabels } from './label-text.js';
import type { AskedPort } from './questions.js';

/** A Service as it was asked for: by itself, or one of its ports by number or name. */
export interface NamedService {
  readonly service: Service;
  readonly port?: string;
}

/** What a name means. */
export interface NamedEndpoint {
  readonly title: string;
  /** Several where policies tell the pods of a workload, or the addresses of the internet, apart. */
  readonly endpoints: readonly FlowEndpoint[];
  /** One member that is allowed is enough, whatever its family: `internet`. */
  readonly isLoose?: boolean;
  /** For a Service: the port of each pod that its only, or its named port leads to. */
  readonly service?: NamedService;
  /** What the name stands for, where that is not what it looks like. */
  readonly note?: string;
  /** That the name ends with: `8080`, `http`, `53/UDP`. */
  readonly port?: string;
}

export class EndpointNames {
  readonly #objects: ClusterObjects;
  readonly #workloads: readonly Workload[];
  readonly #nodes: NodeAddresses;
  readonly #ranges: readonly ExternalRange[];
  readonly #namespace: string;

  constructor({ objects, workloads, program }: Omit<CompiledInput, 'blocks'>, namespace = 'default') {
    this.#objects = objects;
    this.#workloads = workloads;
    this.#nodes = nodeAddressesOf(
      objects.nodes,
      objects.pods.map(({ pod }) => pod),
    );
    this.#ranges = families.flatMap((family) => externalRanges([program], family));
    this.#namespace = namespace;
  }

  /** @throws InputError with the candidates when the name is ambiguous or absent. */
  named(text: string): NamedEndpoint {
    if (text === 'internet') return { title: 'the internet', endpoints: this.#parts(internetRanges), isLoose: true };
    const address = parseAddress(text);
    if (address !== undefined) return { title: text, endpoints: this.#at(address) };
    return this.#range(text) ?? this.#byId(text) ?? this.#parsed(text, parseEndpointName(text));
  }

  #parsed(text: string, name: EndpointName): NamedEndpoint {
    const port = name.port === undefined ? {} : { port: name.port };
    const address = addressIn(name);
    if (address !== undefined) return { title: text, endpoints: this.#at(address), ...port };
    if (name.labels !== undefined) return { title: text, endpoints: this.#labelled(text, name), ...port };
    switch (name.kind) {
      case 'svc':
        return this.#service(text, name, port);
      case 'node':
        return { title: text, endpoints: this.#node(text, name), ...port };
      case 'dns':
        throw new InputError(`${text}: policies are not answered for DNS names yet: ask by an address, or by internet`);
      default:
        return { ...this.#workload(text, name), ...port };
    }
  }

  /** As {@link named}; the address of a Service means its pods, since no policy sees a packet to it. */
  destination(text: string): NamedEndpoint {
    const parsed = parseAddress(text) === undefined ? parseEndpointName(text) : { name: text };
    const address = addressIn(parsed);
    const service = this.#objects.services.find(({ addresses }) => addresses.some((one) => one === address));
    if (service === undefined || address === undefined) return this.named(text);
    const { namespace, name } = service.ref;
    const port = parsed.port === undefined ? {} : { port: parsed.port };
    const note = `${text} is an address of Service ${namespace}/${name}, which leads to its pods: the answer is theirs`;
    return { ...this.#behind(service, `svc/${name}.${namespace}`), ...port, service: { service, ...port }, note };
  }

  /** `8080`, `http`, `53/UDP`; undefined where the destination has no port of that name. */
  port(text: string, destination: NamedEndpoint, to: FlowEndpoint): AskedPort | undefined {
    const [name = '', suffix = 'TCP'] = text.split('/');
    const protocol = protocols.find((one) => one === suffix.toUpperCase());
    if (protocol === undefined) throw new InputError(`${suffix} is not a protocol: use TCP, UDP or SCTP`);
    const isNumber = /^\d+$/.test(name);
    if (isNumber && (Number(name) < 1 || Number(name) > 65_535))
      throw new InputError(`${name} is not a port: use 1 to 65535, or a name`);
    if (destination.service !== undefined) return targetOf(destination.service.service, { name, protocol }, to);
    return isNumber ? { protocol, number: Number(name) } : containerPort(to, { name, protocol });
  }

  #range(text: string): NamedEndpoint | undefined {
    const [first, last, ...more] = text.split('-').map((part) => parseAddress(part));
    if (first === undefined || last === undefined || more.length > 0 || familyOf(first) !== familyOf(last))
      return undefined;
    const range = parseRange(first, last, familyOf(first));
    if (range === undefined) throw new InputError(`${text}: the last address comes before the first`);
    return { title: text, endpoints: this.#parts(() => [range], [range.family]), isLoose: true };
  }

  #parts(
    rangesOf: (family: Family) => readonly ExternalRange[],
    among: readonly Family[] = families,
  ): readonly FlowEndpoint[] {
    return among
      .flatMap(rangesOf)
      .flatMap((range) => partsOf(range, this.#ranges))
      .map((part) => ({ kind: 'address', address: part.sample, title: rangeId(part), range: part }));
  }

  /** The pod that has the address; a node's address is its own endpoint. */
  #at(address: Address): readonly FlowEndpoint[] {
    const holders = this.#workloads.flatMap((workload) =>
      workload.pods.filter((pod) => pod.addresses.includes(address)).map((pod) => workloadEndpoint(workload, pod)),
    );
    return holders.length > 0 ? holders : [this.#outside(address)];
  }

  #outside(address: Address, name?: string): FlowEndpoint {
    const nodes = this.#nodes.at(address);
    const isDns = address === nodeLocalDnsAddress;
    const node = nodes.length === 0 ? undefined : isDns ? 'node-local DNS' : `node ${nodes.join(', ')}`;
    const on = `on the host network: ${address}${node === undefined ? '' : `, ${node}`}`;
    const title = name === undefined ? node && `${address} (${node})` : `${name} (${on})`;
    return { kind: 'address', address, nodes, ...(title === undefined ? {} : { title }) };
  }

  #byId(text: string): NamedEndpoint | undefined {
    const byId = this.#workloads.filter(({ id }) => id === text || id.split('#')[0] === text);
    return byId.length === 0
      ? undefined
      : { title: text, endpoints: byId.map((workload) => workloadEndpoint(workload)) };
  }

  #node(text: string, { name }: EndpointName): readonly FlowEndpoint[] {
    const addresses = this.#nodes.of(name) ?? [];
    if (addresses.length === 0) throw new InputError(`${text}: the input has no node of this name with an address`);
    return addresses.map((address) => this.#outside(address));
  }

  #labelled(text: string, { namespace, labels = '' }: EndpointName): readonly FlowEndpoint[] {
    const selector = parseLabels(labels);
    const found = this.#workloads.filter(
      (workload) => (namespace === undefined || workload.namespace === namespace) && matches(selector, workload.labels),
    );
    if (found.length === 0) throw new InputError(`${text}: no workload of the input has these labels`);
    return found.map((workload) => workloadEndpoint(workload));
  }

  #service(text: string, name: EndpointName, { port }: Pick<NamedEndpoint, 'port'>): NamedEndpoint {
    const found = this.#servicesCalled(name);
    const [service] = found;
    if (service === undefined) throw this.#absent(text, name, (title) => title.startsWith('svc/'));
    if (found.length > 1) throw ambiguous(text, found.map(serviceTitle));
    return {
      ...this.#behind(service, text),
      service: { service, ...(port === undefined ? {} : { port }) },
      ...(port === undefined ? {} : { port }),
    };
  }

  #servicesCalled(name: EndpointName): readonly Service[] {
    return this.#objects.services.filter(({ ref }) => isCalled(ref, name, this.#namespace));
  }

  #behind(service: Service, text: string): NamedEndpoint {
    const { selector } = service;
    if (selector === undefined) throw new InputError(`${text} has no selector: ask about the endpoints behind it`);
    const endpoints = this.#workloads
      .filter(({ namespace, labels }) => namespace === service.ref.namespace && matches(selector, labels))
      .map((workload) => workloadEndpoint(workload));
    if (endpoints.length === 0) throw new InputError(`${text} selects no pod of the input`);
    return { title: text, endpoints, service: { service } };
  }

  /** A Service is meant where no workload is called so, and no kind is named. */
  #workload(text: string, name: EndpointName): NamedEndpoint {
    const called = this.#candidates(name);
    const [, namespace, rest] =
      name.kind === undefined ? (/^([^/]+)\/([^/]+)$/.exec(`${name.namespace ?? ''}/${name.name}`) ?? []) : [];
    // A kind that only the input knows: rollout/web.
    const candidates =
      called.size === 0 && namespace !== undefined && rest !== undefined
        ? this.#candidates({ kind: kindOf(namespace), name: rest })
        : called;
    const [first] = [...candidates.values()];
    if (candidates.size > 1) throw ambiguous(text, [...candidates.keys()]);
    if (first !== undefined) return { title: text, endpoints: first };
    if (name.kind === undefined && this.#servicesCalled(name).length > 0)
      return this.#service(text, name, name.port === undefined ? {} : { port: name.port });
    throw this.#absent(text, name, () => true);
  }

  /** With the names that are nearest to it. */
  #absent(text: string, { namespace, name }: EndpointName, isAsked: (title: string) => boolean): InputError {
    const dot = name.lastIndexOf('.');
    const asked =
      namespace === undefined && dot > 0
        ? { namespace: name.slice(dot + 1), name: name.slice(0, dot) }
        : { namespace: namespace ?? this.#namespace, name };
    const owners = new Map(this.#workloads.map((workload) => [ownerKey(workload), workload]));
    const known = [
      ...[...owners].map(([title, workload]) => ({ namespace: workload.namespace, name: workload.name, title })),
      ...this.#objects.services.map((service) => ({ ...service.ref, title: serviceTitle(service) })),
    ].filter(({ title }) => isAsked(title));
    const near = nearestNames(asked, known);
    const same = near.filter((one) => one.name === asked.name);
    if (same.length === 1) return new InputError(`no endpoint is called ${text}; there is ${same[0]?.title ?? ''}`);
    const isDomain = namespace === undefined && dot > 0 && !known.some((one) => one.namespace === asked.namespace);
    const advice = isDomain ? `; a name of DNS is written dns/${name}` : '';
    const list = near.length === 0 ? '' : `; the nearest: ${near.map(({ title }) => title).join(', ')}`;
    return new InputError(`no endpoint is called ${text}${list}${advice}`);
  }

  /** By owner, or by owner and pod. */
  #candidates(asked: EndpointName): ReadonlyMap<string, readonly FlowEndpoint[]> {
    const { kind } = asked;
    const isAsked = (ref: Parameters<typeof isCalled>[0]): boolean => isCalled(ref, asked, this.#namespace);
    const found = new Map<string, readonly FlowEndpoint[]>();
    for (const workload of this.#workloads) {
      const { namespace } = workload;
      const owner = ownerKey(workload);
      if ((kind ?? kindOf(workload.kind)) === kindOf(workload.kind) && isAsked(workload))
        found.set(owner, [...(found.get(owner) ?? []), workloadEndpoint(workload)]);
      if (workload.kind === 'Pod' || (kind ?? 'pod') !== 'pod') continue;
      for (const pod of workload.pods)
        if (isAsked({ namespace, name: pod.name }))
          found.set(`${owner} (pod ${pod.name})`, [workloadEndpoint(workload, pod)]);
    }
    for (const { owner, pod, isTemplate } of this.#objects.pods) {
      if (!pod.hostNetwork || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
      const isOwner = (kind ?? kindOf(owner.kind)) === kindOf(owner.kind) && isAsked(owner);
      const isPod = isTemplate !== true && (kind ?? 'pod') === 'pod' && isAsked(pod.ref);
      const id = ownerKey(owner);
      if (isOwner || isPod) found.set(id, [...(found.get(id) ?? []), ...this.#onHost(id, pod)]);
    }
    return found;
  }

  #onHost(id: string, pod: Pod): readonly FlowEndpoint[] {
    const addresses = pod.addresses.length > 0 ? pod.addresses : (this.#nodes.of(pod.node) ?? []);
    if (addresses.length === 0)
      throw new InputError(
        `${id} is on the host network, and the address of its node is not in the input: ask by that address`,
      );
    return addresses.map((address) => {
      const endpoint = this.#outside(address, id);
      if (endpoint.kind !== 'address' || pod.node === '') return endpoint;
      return { ...endpoint, nodes: [...new Set([...(endpoint.nodes ?? []), pod.node])] };
    });
  }
}

/** A bare pod is always that one pod. */
function workloadEndpoint(workload: Workload, pod?: WorkloadMember): FlowEndpoint {
  const only = pod ?? (workload.kind === 'Pod' ? workload.pods[0] : undefined);
  return { kind: 'workload', workload, ...(only === undefined ? {} : { pod: only }) };
}

const serviceTitle = ({ ref }: Service): string => `svc/${ref.name}.${ref.namespace}`;

const ambiguous = (text: string, titles: readonly string[]): InputError =>
  new InputError(`${text} is ambiguous: ${[...titles].sort().join(', ')}`);

interface PortName {
  readonly name: string;
  readonly protocol: Protocol;
}

function containerPort(to: FlowEndpoint, { name, protocol }: PortName): AskedPort | undefined {
  if (to.kind === 'address') return undefined;
  const found = to.workload.ports.find((one) => one.name === name && one.protocol === protocol);
  return found && { protocol, number: found.port };
}

/** Where a Service's port, by number or name, leads in one of its pods. */
function targetOf(service: Service, { name, protocol }: PortName, to: FlowEndpoint): AskedPort | undefined {
  const port = service.ports.find(
    (one) => one.protocol === protocol && (String(one.port) === name || one.name === name),
  );
  if (port === undefined)
    throw new InputError(
      `${serviceTitle(service)} has no ${protocol} port ${name}; it has: ${service.ports.map(showPort).join(', ')}`,
    );
  return targetPort(port, to);
}

/** Undefined where the pod has no port of that name. */
export const targetPort = ({ target, protocol }: ServicePort, to: FlowEndpoint): AskedPort | undefined =>
  typeof target === 'number' ? { protocol, number: target } : containerPort(to, { name: target, protocol });

const showPort = ({ port, protocol, name }: ServicePort): string =>
  `${port}${protocol === 'TCP' ? '' : `/${protocol}`}${name === '' ? '' : ` (${name})`}`;

/** Pods of one workload on several nodes count one by one where the other endpoint is a node's address. */
export function perNode(endpoints: readonly FlowEndpoint[], others: readonly FlowEndpoint[]): readonly FlowEndpoint[] {
  const nodes = new Set(others.flatMap((other) => (other.kind === 'address' ? (other.nodes ?? []) : [])));
  if (nodes.size === 0) return endpoints;
  return endpoints.flatMap((endpoint) => {
    if (endpoint.kind === 'address' || endpoint.pod !== undefined || endpoint.workload.pods.length === 0)
      return [endpoint];
    return endpoint.workload.pods.map((pod) => workloadEndpoint(endpoint.workload, pod));
  });
}

/** A name that is an address, perhaps in brackets. */
const addressIn = ({ name, namespace, kind }: EndpointName): Address | undefined =>
  namespace === undefined && kind === undefined ? parseAddress(name.replace(/^\[(.*)\]$/, '$1')) : undefined;
