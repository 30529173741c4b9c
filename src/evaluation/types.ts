import type { Address } from '../model/address.js';
import type { Direction, PolicyRef, Protocol } from '../model/policy.js';
import type { RuleOrigin } from '../program/types.js';

/** A new connection, by the flow's own tuple: after DNAT for the destination, before SNAT for the source. */
export interface Flow {
  readonly source: Address;
  readonly destination: Address;
  /** `other`: anything without ports that a policy can name (ICMP, GRE, …). */
  readonly protocol: Protocol | 'other';
  /** Destination port; 0 for `other`. */
  readonly port: number;
}

/** Why a flow is allowed or denied; a denied flow has one reason per direction that denies. */
export type Reason =
  | { readonly kind: 'allowedBy'; readonly direction: Direction; readonly origin: RuleOrigin }
  | { readonly kind: 'isolatedBy'; readonly direction: Direction; readonly policies: readonly PolicyRef[] }
  | { readonly kind: 'notIsolated'; readonly direction: Direction }
  | { readonly kind: 'ownNode'; readonly direction: Direction }
  | { readonly kind: 'itself' }
  | { readonly kind: 'unknownPod'; readonly direction: Direction };

export interface Verdict {
  readonly allowed: boolean;
  readonly reasons: readonly Reason[];
}
