import type { Address } from '../model/address.js';
import type { Protocol } from '../model/policy.js';

/** A new connection, by the flow's own tuple: after DNAT for the destination, before SNAT for the source. */
export interface Flow {
  readonly source: Address;
  readonly destination: Address;
  /** `other`: anything without ports that a policy can name (ICMP, GRE, …). */
  readonly protocol: Protocol | 'other';
  /** Destination port; 0 for `other`. */
  readonly port: number;
}
