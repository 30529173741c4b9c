/** A packet that was denied, and what is told of it. */
import type { Observation } from '../model/observation.js';
import { objectKey } from '../model/pod.js';
import type { Direction, PolicyRef } from '../model/policy.js';
import type { Identity } from './identities.js';
import type { RecordReason, TraceStep } from './record.js';

export interface End extends Identity {
  readonly address: Observation['source'];
  readonly port?: number;
  readonly namedPort?: string;
}

/** A denied packet with everything that can be told about it. */
export interface Denial {
  readonly packet: Observation;
  readonly chain: string;
  readonly reason: RecordReason;
  readonly direction: Direction;
  readonly source: End;
  readonly destination: End;
  /** Every policy that isolates the judged pod; none where no policy has a say. */
  readonly isolating: readonly PolicyRef[];
  readonly trace: readonly TraceStep[];
}

/** Of its pod; undefined where it has none. */
export const podKeyOf = ({ pod }: End): string | undefined => (pod === undefined ? undefined : objectKey(pod.ref));
