import type { Address } from './address.js';
import type { ObjectRef } from './pod.js';

/** Where a local pod meets this node: the host's end of its veth. */
export interface Attachment {
  readonly pod: ObjectRef;
  readonly podUid: string;
  /** Name of the host-side device, for example `veth1a2b3c4d`. */
  readonly device: string;
  readonly ifindex: number;
  /** Bridged pods share a bridge, so frames between them reach us only through bridge-nf-call-iptables. */
  readonly kind: 'routed' | 'bridged';
  readonly bridge?: string;
  /** The pod's own hardware address, as CNI said it or as its bridge learned it first; absent while it is not known. */
  readonly hardware?: string;
  readonly addresses: readonly Address[];
}
