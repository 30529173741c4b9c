/** What the kernel's counters mean for the audit log: nftables/ names them, audit/ accounts for their packets. */
import type { Direction } from '../model/policy.js';

/** Which packets a counter counts. `report`: packets that were not denied; `neither`: denied, the direction is not known. */
export type PacketScope = Direction | 'neither' | 'report';

/** What a counter of the kernel counts: packets that are to be logged, or those of them that passed the limits of the log. */
export interface PacketCount {
  readonly counts: 'to-log' | 'logged';
  readonly scope: PacketScope;
}
