/** What a change of policies does to reachability, as values: made by analysis, printed by report. */
import type { Family } from './address.js';
import type { PortSet } from './reachability.js';

export interface PolicyDifference {
  readonly change: 'added' | 'removed' | 'changed';
  /** `namespace/name`. */
  readonly policy: string;
}

export interface ConnectionDifference {
  readonly from: string;
  readonly to: string;
  /** Only where the families differ. */
  readonly family?: Family;
  /** A connection that gains ports has some in `added`, one that loses some in `removed`. */
  readonly added: PortSet;
  readonly removed: PortSet;
  /** Changed policies each of which alone makes some of it, or without whose change alone some of it would not be. */
  readonly causes: readonly string[];
  /** Where no single policy is a cause: those that make it together. Absent then: labels, workloads or namespaces do. */
  readonly together?: readonly string[];
}

export interface ReachabilityDiff {
  readonly policies: readonly PolicyDifference[];
  /** Ends that are only on one side. */
  readonly endpoints: readonly { readonly id: string; readonly change: 'added' | 'removed' }[];
  /** Between ends of both sides and those that came or went, sorted by ids. */
  readonly connections: readonly ConnectionDifference[];
}
