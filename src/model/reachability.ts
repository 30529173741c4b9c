/** Who may open connections to whom, as values: made by analysis, printed by report. */
import type { Address, Family } from './address.js';
import type { Labels } from './labels.js';
import type { Protocol } from './policy.js';

/** Both ends inclusive. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

/** Disjoint ranges, by protocol and then by number, none touching the next. */
export type PortSet = readonly PortRange[];

export type ReachEndpoint =
  | {
      readonly id: string;
      readonly kind: 'workload';
      readonly namespace: string;
      readonly workload: { readonly kind: string; readonly name: string };
      readonly labels: Labels;
    }
  | { readonly id: string; readonly kind: 'external'; readonly first: Address; readonly last: Address }
  /** In questions of exposure: a pod that nobody has heard of, and any public address. */
  | { readonly id: string; readonly kind: 'unknownPod' | 'internet' };

export interface Connection {
  readonly from: string;
  readonly to: string;
  /** Only where the families differ. */
  readonly family?: Family;
  readonly allowed: PortSet;
  /** It rests on a block that covers every address that a pod may get. */
  readonly assumed: boolean;
}

export interface Reachability {
  /** Sorted by id. */
  readonly endpoints: readonly ReachEndpoint[];
  /** Pairs with something allowed, sorted by ids; may be walked again. */
  readonly connections: Iterable<Connection>;
  /** On what the answer rests that is not known. */
  readonly warnings: readonly string[];
}

const lowestPort = 1;
const highestPort = 65_535;

/** `TCP 80, TCP 90-99`; a protocol alone is all its ports; `all ports` when nothing is left out. */
export function formatPorts(set: PortSet): string {
  const text = set
    .map(({ protocol, first, last }) => {
      if (first === lowestPort && last === highestPort) return protocol;
      return `${protocol} ${first === last ? first : `${first}-${last}`}`;
    })
    .join(', ');
  return text === 'SCTP, TCP, UDP' ? 'all ports' : text;
}

/** Between sets of ends that nothing tells apart. */
export interface GroupedReachability {
  /** Ids of each group's members. */
  readonly groups: readonly (readonly string[])[];
  /** Indices of the groups that are asked about as destinations. */
  readonly destinations: readonly number[];
  readonly connections: readonly GroupedConnection[];
}

/** Ends are indices of `groups`; from a group to itself: between two of its members. */
export interface GroupedConnection extends Omit<Connection, 'from' | 'to'> {
  readonly from: number;
  readonly to: number;
}
