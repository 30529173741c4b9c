/** What exists after a table's changes so far, and what the names in its cells mean then. */
import { familyOf, parseAddress, type Address, type Family } from '../../src/model/address.js';
import type { ClusterChange, ClusterSnapshot } from '../../src/model/cluster.js';
import type { Parsed } from '../../src/model/diagnostic.js';
import { parseNamespace, parseNetworkPolicy, parseNode, parsePod } from '../../src/model/parse.js';
import { objectKey, type Namespace, type Node, type Pod } from '../../src/model/pod.js';
import { policyKey, type AnyPolicy, type Protocol } from '../../src/model/policy.js';
import type { Cell, Changes, Manifest, Removal } from './types.js';

/** One flow that a cell stands for. */
export interface Pairing {
  readonly source: Address;
  readonly destination: Address;
  readonly family: Family;
  readonly protocol: Protocol | 'other';
  readonly port: number;
}

export class ClusterState {
  readonly #pods = new Map<string, Pod>();
  readonly #nodes = new Map<string, Node>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #manifests = new Map<string, Manifest>();

  /** Takes the changes in, and returns them as the compiler receives them. */
  take({ apply = [], remove = [] }: Changes): readonly ClusterChange[] {
    const changes = [...remove.map(removal), ...apply.map(applied)];
    for (const one of remove) this.#manifests.delete(identityOf(one.kind, one));
    for (const one of apply) this.#manifests.set(identityOf(one.kind, one.metadata), one);
    for (const change of changes) {
      if (change.kind === 'pod') keep(this.#pods, objectKey(change.ref), change.pod);
      if (change.kind === 'node') keep(this.#nodes, change.name, change.node);
      if (change.kind === 'namespace') keep(this.#namespaces, change.name, change.namespace);
      if (change.kind === 'policy') keep(this.#policies, policyKey(change.ref), change.policy);
    }
    return changes;
  }

  get manifests(): readonly Manifest[] {
    return [...this.#manifests.values()];
  }

  get nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  snapshot(): ClusterSnapshot {
    return {
      policies: [...this.#policies.values()],
      pods: [...this.#pods.values()],
      namespaces: [...this.#namespaces.values()],
      nodes: this.nodes,
    };
  }

  /** The flows of a cell: one per family that both ends have. */
  pairings(cell: Cell): readonly Pairing[] {
    const pairings = this.addresses(cell.from).flatMap((source) =>
      this.addresses(cell.to)
        .filter((destination) => familyOf(source) === familyOf(destination))
        .map((destination) => ({ source, destination, family: familyOf(source) })),
    );
    const asked = pairings.filter(({ family }) => cell.family === undefined || cell.family === family);
    if (asked.length === 0) throw new Error(`${cell.from} and ${cell.to} share no family`);
    return asked.map((pairing) => ({ ...pairing, ...this.#port(cell) }));
  }

  addresses(end: string): readonly Address[] {
    const address = parseAddress(end);
    if (address !== undefined) return [address];
    const addresses = end.startsWith('node:') ? this.#nodes.get(end.slice(5))?.addresses : this.#pod(end)?.addresses;
    if (addresses === undefined || addresses.length === 0) throw new Error(`nobody in this cluster is ${end}`);
    return addresses;
  }

  #pod(end: string): Pod | undefined {
    const [name = '', namespace = ''] = end.split('.');
    return this.#pods.get(objectKey({ namespace, name }));
  }

  #port({ to, port, protocol }: Cell): { protocol: Protocol | 'other'; port: number } {
    if (protocol === 'ICMP') return { protocol: 'other', port: 0 };
    if (typeof port === 'number') return { protocol, port };
    const named = this.#pod(to)?.ports.find((one) => one.name === port && one.protocol === protocol);
    if (named === undefined) throw new Error(`${to} has no port ${protocol} ${port}`);
    return { protocol, port: named.port };
  }
}

const identityOf = (
  kind: string,
  { namespace = '', name }: { readonly namespace?: string; readonly name: string },
): string => `${kind} ${objectKey({ namespace, name })}`;

function keep<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function valueOf<T>(parsed: Parsed<T>, what: string): T {
  if (parsed.ok) return parsed.value;
  throw new Error(`${what}: ${parsed.diagnostics.map(({ message }) => message).join('; ')}`);
}

function applied(manifest: Manifest): ClusterChange {
  const { kind, metadata } = manifest;
  const what = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  switch (kind) {
    case 'NetworkPolicy': {
      const policy = valueOf(parseNetworkPolicy(manifest, { strict: true }), what);
      return { kind: 'policy', ref: policy.ref, policy };
    }
    case 'Pod': {
      const pod = valueOf(parsePod(manifest), what);
      return { kind: 'pod', ref: pod.ref, pod };
    }
    case 'Namespace':
      return { kind: 'namespace', name: metadata.name, namespace: valueOf(parseNamespace(manifest), what) };
    case 'Node':
      return { kind: 'node', name: metadata.name, node: valueOf(parseNode(manifest), what) };
    default:
      throw new Error(`tables know no ${kind}`);
  }
}

function removal({ kind, namespace = '', name }: Removal): ClusterChange {
  switch (kind) {
    case 'NetworkPolicy':
      return { kind: 'policy', ref: { kind: 'NetworkPolicy', namespace, name } };
    case 'Pod':
      return { kind: 'pod', ref: { namespace, name } };
    case 'Namespace':
      return { kind: 'namespace', name };
    default:
      throw new Error(`tables remove no ${kind}`);
  }
}
