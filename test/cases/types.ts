/**
 * Who may talk to whom, as data: the same tables run against evaluation and against the kernel.
 *
 * A runner applies a step's changes to what stands and then checks every cell. In the kernel a pod's network namespace
 * belongs to its addresses, not to its name: a pod that takes over a finished pod's address takes over its namespace
 * too. Servers answer on every port and protocol that a cell asks its destination for; denied means silence.
 */
import type { Family } from '../../src/model/address.js';
import type { Protocol } from '../../src/model/policy.js';

/** A Kubernetes object in the API's JSON form; pods carry spec.nodeName and status.podIPs. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** One question. An end is `pod.namespace`, `node:NAME` (its own processes), or an address outside the cluster. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  /** Number, or the name of a port of the destination pod; 0 for ICMP. */
  readonly port: number | string;
  readonly protocol: Protocol | 'ICMP';
  readonly allowed: boolean;
  /** Only over this family; otherwise over every family that both ends have. */
  readonly family?: Family;
}

export interface Removal {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface Changes {
  readonly apply?: readonly Manifest[];
  readonly remove?: readonly Removal[];
}

export interface Step {
  readonly title?: string;
  /** Removals first. Nothing in the first step: the objects are there already. */
  readonly changes?: Changes;
  readonly expect: readonly Cell[];
}

export interface Case {
  readonly id: string;
  readonly title: string;
  readonly objects: readonly Manifest[];
  readonly steps: readonly Step[];
}

export const describeCell = ({ from, to, port, protocol, family }: Cell): string =>
  `${from} -> ${to} ${protocol}${protocol === 'ICMP' ? '' : ` ${port}`}${family === undefined ? '' : ` (${family})`}`;
