/** The connectivity cases of the Kubernetes end-to-end suite, placed at addresses of the test cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bitsOf, familyOf, parseAddress, parseCidr, formatCidr } from '../../src/model/address.js';
import { protocols, type Protocol } from '../../src/model/policy.js';
import { namespace, node, pod, podAddresses, policy, type Families, type NodeName } from './objects.js';
import type { Case, Cell, Changes, Manifest, Removal, Step } from './types.js';

type Labels = Readonly<Record<string, string>>;

type Operation =
  | { op: 'apply'; policy: { name: string; namespace: string; spec: object } }
  | { op: 'delete'; name: string; ns: string }
  | { op: 'nsLabels'; ns: string; add: Labels }
  | { op: 'podLabels'; pod: string; add: Labels };

interface Probe {
  readonly port: number;
  readonly protocol: Protocol;
  readonly expect: Readonly<Record<string, boolean>>;
}

interface UpstreamCase {
  readonly id: number;
  readonly name: string;
  readonly pods: readonly string[];
  readonly ports: readonly number[];
  readonly protocols: readonly Protocol[];
  readonly steps: readonly { readonly ops: readonly Operation[]; readonly probes: readonly Probe[] }[];
}

export interface Placement {
  readonly families: Families;
  /** One node for all pods, or every second pod on another one. */
  readonly nodes: 1 | 2;
}

const file = join(import.meta.dirname, '../conformance/k8s-e2e-netpol.json');

/** All 48 cases, for one placement of their pods. */
export function conformanceCases(placement: Placement): readonly Case[] {
  const upstream = JSON.parse(readFileSync(file, 'utf8')) as readonly UpstreamCase[];
  return upstream.map((one) => new Translation(one, placement).translate());
}

/** `x/a`, as upstream names a pod, to `a.x`. */
const endOf = (name: string): string => name.split('/').reverse().join('.');

/** One case; keeps the labels that stand, since upstream's steps add to them and ours apply whole objects. */
class Translation {
  readonly #case: UpstreamCase;
  readonly #placement: Placement;
  readonly #namespaceLabels = new Map<string, Labels>();
  readonly #podLabels = new Map<string, Labels>();

  constructor(upstream: UpstreamCase, placement: Placement) {
    this.#case = upstream;
    this.#placement = placement;
    for (const name of upstream.pods) this.#podLabels.set(name, { pod: name.split('/')[1] ?? '' });
    for (const name of ['x', 'y', 'z']) this.#namespaceLabels.set(name, {});
  }

  translate(): Case {
    const nodes: readonly NodeName[] = this.#placement.nodes === 1 ? ['n1'] : ['n1', 'n2'];
    const objects = [
      ...nodes.map((name) => node(name, this.#placement.families)),
      ...[...this.#namespaceLabels].map(([name, labels]) => namespace(name, labels)),
      ...this.#case.pods.map((name) => this.#pod(name)),
    ];
    const id = `e2e-${String(this.#case.id).padStart(2, '0')}`;
    return { id, title: this.#case.name, objects, steps: this.#case.steps.map((step) => this.#step(step)) };
  }

  #step({ ops, probes }: UpstreamCase['steps'][number]): Step {
    const apply: Manifest[] = [];
    const remove: Removal[] = [];
    for (const operation of ops) {
      if (operation.op === 'delete')
        remove.push({ kind: 'NetworkPolicy', namespace: operation.ns, name: operation.name });
      else apply.push(this.#applied(operation));
    }
    const changes: Changes = { apply, remove };
    return { changes, expect: probes.flatMap(cellsOf) };
  }

  #applied(operation: Exclude<Operation, { op: 'delete' }>): Manifest {
    switch (operation.op) {
      case 'apply': {
        const { name, namespace: space, spec } = operation.policy;
        return policy(`${name}.${space}`, this.#resolve(spec) as object);
      }
      case 'nsLabels': {
        const labels = { ...this.#namespaceLabels.get(operation.ns), ...operation.add };
        this.#namespaceLabels.set(operation.ns, labels);
        return namespace(operation.ns, labels);
      }
      case 'podLabels':
        this.#podLabels.set(operation.pod, { ...this.#podLabels.get(operation.pod), ...operation.add });
        return this.#pod(operation.pod);
    }
  }

  #pod(name: string): Manifest {
    const ports = this.#case.ports.flatMap((port) =>
      protocols
        .filter((protocol) => this.#case.protocols.includes(protocol))
        .map((protocol) => ({ name: `serve-${port}-${protocol.toLowerCase()}`, port, protocol })),
    );
    const addresses = this.#addresses(name);
    return pod(endOf(name), { addresses, node: this.#nodeOf(name), labels: this.#podLabels.get(name) ?? {}, ports });
  }

  #nodeOf(name: string): NodeName {
    return this.#placement.nodes === 2 && this.#case.pods.indexOf(name) % 2 === 1 ? 'n2' : 'n1';
  }

  #addresses(name: string): readonly string[] {
    return podAddresses(this.#nodeOf(name), 11 + this.#case.pods.indexOf(name), this.#placement.families);
  }

  /** A value of the spec with its placeholders filled in; a peer that holds one stands once per family. */
  #resolve(value: unknown): unknown {
    if (Array.isArray(value))
      return value.flatMap((item) =>
        /"\$(ip|wide)\(/.test(JSON.stringify(item)) && isBlockPeer(item)
          ? [0, 1].slice(0, this.#placement.families === 'dual' ? 2 : 1).map((index) => this.#fill(item, index))
          : [this.#resolve(item)],
      );
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#resolve(inner)]));
  }

  #fill(peer: unknown, index: number): unknown {
    const filled = JSON.stringify(peer).replace(
      /\$(ip|wide)\(([^)]+)\)(?:\/host)?/g,
      (_, kind: string, name: string) => {
        const address = parseAddress(this.#addresses(name)[index] ?? '');
        if (address === undefined) throw new Error(`case ${this.#case.id}: no address for ${name}`);
        const cidr = parseCidr(`${address}/${kind === 'wide' ? 4 : bitsOf(familyOf(address))}`);
        if (cidr === undefined) throw new Error(`case ${this.#case.id}: no block around ${address}`);
        return formatCidr(cidr);
      },
    );
    return JSON.parse(filled) as unknown;
  }
}

const isBlockPeer = (value: unknown): boolean => typeof value === 'object' && value !== null && 'ipBlock' in value;

function cellsOf({ port, protocol, expect }: Probe): readonly Cell[] {
  return Object.entries(expect).map(([pair, allowed]) => {
    const [from = '', to = ''] = pair.split('>');
    return { from: endOf(from), to: endOf(to), port, protocol, allowed };
  });
}
