/** A packet that a log rule reported, and its verdict: denied, allowed, or what a dry run would have done. */
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Observation } from '../../model/observation.js';
import { objectKey } from '../../model/pod.js';
import type { Direction, PolicyRef } from '../../model/policy.js';
import type { RecordReason, RecordVerdict, TraceStep } from '../record.js';
import type { Identity } from './address-identities.js';

export interface PacketEndpoint extends Identity {
  readonly address: Observation['source'];
  readonly port?: number;
  readonly namedPort?: string;
}

/** Who sent a packet: the pod behind the device that it came from; else whose address it has, if anybody's. */
export interface PacketSender extends Identity {
  readonly address: Observation['source'];
}

/** A packet with everything that a record says about it. */
export interface LoggedPacket {
  readonly packet: Observation;
  /** Of the packet itself: for a reply the flow's server, and never whom a forged address names. */
  readonly sender: PacketSender;
  readonly chain: string;
  readonly verdict: RecordVerdict;
  /** `dry-run`: the verdict is what a dry run would have given, and the packet met the opposite. */
  readonly mode: PolicyMode;
  readonly reason: RecordReason;
  readonly direction: Direction;
  readonly source: PacketEndpoint;
  readonly destination: PacketEndpoint;
  /** Every policy that isolates the pod whose policies gave the verdict; empty where no policy did. */
  readonly isolating: readonly PolicyRef[];
  /** The rule that allows, or would. */
  readonly rule?: { readonly policy: PolicyRef; readonly index: number };
  readonly trace: readonly TraceStep[];
}

/** False for a packet that was only reported and passed. */
export const isDropped = ({ verdict, mode }: Pick<LoggedPacket, 'verdict' | 'mode'>): boolean =>
  verdict === 'deny' && mode === 'enforce';

/** The endpoint whose policies gave the verdict: the destination for traffic into a pod. */
export const ownEndpoint = ({
  direction,
  source,
  destination,
}: Pick<LoggedPacket, 'direction' | 'source' | 'destination'>): PacketEndpoint =>
  direction === 'ingress' ? destination : source;

/** As records name a sender: `namespace/pod`, or the address. */
export const senderName = ({ address, pod }: PacketSender): string =>
  pod === undefined ? address : objectKey(pod.ref);

/** Of the endpoint's pod; undefined where it has none. */
export const podKeyOf = ({ pod }: PacketEndpoint): string | undefined =>
  pod === undefined ? undefined : objectKey(pod.ref);

/** A packet whose endpoints are known, and whose verdict is not yet. */
export type LocatedPacket = Pick<LoggedPacket, 'packet' | 'sender' | 'chain' | 'source' | 'destination'>;
