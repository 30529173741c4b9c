/** A packet that a log rule told of, and what was judged of it: denied, allowed, or what a dry run would have done. */
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Observation } from '../../model/observation.js';
import { objectKey } from '../../model/pod.js';
import type { Direction, PolicyRef } from '../../model/policy.js';
import type { Identity } from './address-identities.js';
import type { RecordReason, RecordVerdict, TraceStep } from '../record.js';

export interface PacketEndpoint extends Identity {
  readonly address: Observation['source'];
  readonly port?: number;
  readonly namedPort?: string;
}

/** A packet with everything that can be told about it. */
export interface LoggedPacket {
  readonly packet: Observation;
  readonly chain: string;
  readonly verdict: RecordVerdict;
  /** `audit`: the verdict is what a dry run would have given, and the packet met the opposite. */
  readonly mode: PolicyMode;
  readonly reason: RecordReason;
  readonly direction: Direction;
  readonly source: PacketEndpoint;
  readonly destination: PacketEndpoint;
  /** Every policy that isolates the judged pod; none where no policy has a say. */
  readonly isolating: readonly PolicyRef[];
  /** The one that allows, or would. */
  readonly rule?: { readonly policy: PolicyRef; readonly index: number };
  readonly trace: readonly TraceStep[];
}

/** Dropped, or told of and gone on. */
export const isDropped = ({ verdict, mode }: Pick<LoggedPacket, 'verdict' | 'mode'>): boolean =>
  verdict === 'deny' && mode === 'enforce';

/** Of its pod; undefined where it has none. */
export const podKeyOf = ({ pod }: PacketEndpoint): string | undefined =>
  pod === undefined ? undefined : objectKey(pod.ref);
