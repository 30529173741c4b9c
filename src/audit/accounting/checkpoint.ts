/** What the packet accounting keeps while no agent runs. */
import type { ByScope } from './counter-growth.js';

export interface WrittenLines {
  readonly bootId: string;
  readonly sequence: number;
  /** Of the file of scans. */
  readonly scanSequence?: number;
}

export interface Checkpoint {
  /** Of the last reading of the counters, in milliseconds since the epoch. */
  readonly time: number;
  /** The kernel's counters as they were last read: packets by counter name. */
  readonly counters: Readonly<Record<string, number>>;
  /**
   * Packets that passed the limits of the log and that no line on disk accounts for yet. Negative while lines account
   * for packets that the counters did not contain when they were read.
   */
  readonly pending: number;
  /** Packets that the limits suppressed and that no line on disk accounts for yet. */
  readonly suppressed: Readonly<Partial<ByScope>>;
  /** The last line on disk that these numbers include; absent where they include none. */
  readonly written?: WrittenLines;
}

/** Packets that lines after the checkpoint's last one account for. */
export interface RecordedPackets {
  /** Those that passed the limits of the log. */
  readonly logged: number;
  readonly suppressed: ByScope;
}

export const nothingRecorded: RecordedPackets = {
  logged: 0,
  suppressed: { ingress: 0, egress: 0, neither: 0, report: 0 },
};
