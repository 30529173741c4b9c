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
import { nodeLocalDnsAddress, objectKey, type Pod } from '../model/pod.js';
import { protocols, type Protocol } from '../model/policy.js';
import type { Service, ServicePort } from '../model/service.js';
import { matches } from '../selectors/match.js';
import { InputError } from '../generic/input-error.js';
import type { ClusterObjects } from '../model/cluster-objects.js';
import type { CompiledInput } from './compiled-input.js';
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
}

/** Short and plural names, as kubectl takes them. */
const kinds: Readonly<Record<string, string>> = {
  po: 'pod',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  rc: 'replicationcontroller',
  cj: 'cronjob',
  service: 'svc',
};
const kindOf = (text: string): string => {
  const lower = text.toLowerCase().replace(/s$/, '');
  return kinds[text.toLowerCase()] ?? kinds[lower] ?? lower;
};

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
    return this.#range(text) ?? this.#service(text) ?? this.#workload(text);
  }

  /** As {@link named}; the address of a Service means its pods, since no policy sees a packet to it. */
  destination(text: string): NamedEndpoint {
    const address = parseAddress(text);
    const service = this.#objects.services.find(({ addresses }) => addresses.some((one) => one === address));
    if (service === undefined || address === undefined) return this.named(text);
    const { namespace, name } = service.ref;
    const note = `${text} is an address of Service ${namespace}/${name}, which leads to its pods: the answer is theirs`;
    return { ...this.#behind(service, `svc/${name}.${namespace}`), note };
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

  #service(text: string): NamedEndpoint | undefined {
    const [, kind = '', rest = ''] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
    if (kindOf(kind) !== 'svc') return undefined;
    const [name = '', port] = rest.split(':');
    const found = this.#objects.services.filter(({ ref }) => this.#isCalled(ref, name));
    const [service] = found;
    if (service === undefined || found.length > 1)
      throw new InputError(
        problemWith(text, found, this.#objects.services, ({ ref }) => `svc/${ref.name}.${ref.namespace}`),
      );
    return { ...this.#behind(service, text), service: { service, ...(port === undefined ? {} : { port }) } };
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

  #workload(text: string): NamedEndpoint {
    const byId = this.#workloads.filter(({ id }) => id === text || id.split('#')[0] === text);
    if (byId.length > 0) return { title: text, endpoints: byId.map((workload) => workloadEndpoint(workload)) };
    const [, kind, name = text] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
    const candidates = this.#candidates(name, kind === undefined ? undefined : kindOf(kind));
    const [first] = [...candidates.values()];
    if (first === undefined || candidates.size > 1)
      throw new InputError(
        problemWith(text, [...candidates.keys()], [...new Set(this.#workloads.map(ownerKey))], String),
      );
    return { title: text, endpoints: first };
  }

  /** By owner, or by owner and pod. */
  #candidates(name: string, kind: string | undefined): ReadonlyMap<string, readonly FlowEndpoint[]> {
    const found = new Map<string, readonly FlowEndpoint[]>();
    for (const workload of this.#workloads) {
      const { namespace } = workload;
      const owner = ownerKey(workload);
      if ((kind ?? kindOf(workload.kind)) === kindOf(workload.kind) && this.#isCalled(workload, name))
        found.set(owner, [...(found.get(owner) ?? []), workloadEndpoint(workload)]);
      if (workload.kind === 'Pod' || (kind ?? 'pod') !== 'pod') continue;
      for (const pod of workload.pods)
        if (this.#isCalled({ namespace, name: pod.name }, name))
          found.set(`${owner} (pod ${pod.name})`, [workloadEndpoint(workload, pod)]);
    }
    for (const { owner, pod, isTemplate } of this.#objects.pods) {
      if (!pod.hostNetwork || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
      const isOwner = (kind ?? kindOf(owner.kind)) === kindOf(owner.kind) && this.#isCalled(owner, name);
      const isPod = isTemplate !== true && (kind ?? 'pod') === 'pod' && this.#isCalled(pod.ref, name);
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

  #isCalled(ref: { readonly namespace: string; readonly name: string }, text: string): boolean {
    const dot = text.lastIndexOf('.');
    return (
      objectKey(ref) === `${this.#namespace}/${text}` ||
      (dot > 0 && objectKey(ref) === `${text.slice(dot + 1)}/${text.slice(0, dot)}`)
    );
  }
}

/** A bare pod is always that one pod. */
function workloadEndpoint(workload: Workload, pod?: WorkloadMember): FlowEndpoint {
  const only = pod ?? (workload.kind === 'Pod' ? workload.pods[0] : undefined);
  return { kind: 'workload', workload, ...(only === undefined ? {} : { pod: only }) };
}

function problemWith<T>(text: string, found: readonly T[], all: readonly T[], show: (one: T) => string): string {
  if (found.length > 1) return `${text} is ambiguous: ${found.map(show).sort().join(', ')}`;
  const word = (text.split('/').at(-1) ?? text).split(/[.:]/)[0] ?? text;
  const names = all.map(show).sort();
  const near = names.filter((name) => name.includes(word));
  const shown = (near.length > 0 ? near : names).slice(0, 8);
  return `no endpoint is called ${text}${shown.length === 0 ? '' : `; there are: ${shown.join(', ')}`}`;
}

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
      `svc/${service.ref.name}.${service.ref.namespace} has no ${protocol} port ${name}; it has: ${service.ports.map(showPort).join(', ')}`,
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
