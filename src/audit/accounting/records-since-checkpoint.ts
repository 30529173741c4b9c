import { messageOf } from '../../generic/message-of.js';
import { nothingRecorded, type Checkpoint, type RecordedPackets } from './packet-accounting.js';
import type { PacketScope } from './counter-growth.js';
import { LineReader, MalformedLine } from '../reading/line-reader.js';
import { isLoss, type AuditRecord, type LossRecord } from '../record.js';

/** @param lines of the log, the last one first */
async function since(
  { time, written }: Pick<Checkpoint, 'time' | 'written'>,
  lines: AsyncIterable<string>,
): Promise<RecordedPackets> {
  if (written === undefined) return nothingRecorded;
  const suppressed = { ...nothingRecorded.suppressed };
  let logged = 0;
  for await (const line of lines) {
    const record = recordIn(line);
    if (record === undefined) continue;
    const isOwn = record['podwall.boot_id'] === written.bootId;
    const ahead = record['event.sequence'] - written.sequence;
    // Runs that came later have not lived to make a checkpoint; an earlier one's lines stand before all of ours.
    if (isOwn ? ahead <= 0 : Date.parse(record['@timestamp']) < time) break;
    if (!isLoss(record)) logged += record['podwall.count'];
    else if (record['podwall.loss.cause'] !== 'rate-limit') logged += record['podwall.loss.count'];
    else suppressed[scopeOf(record['podwall.loss.scope'])] += record['podwall.loss.count'];
    if (isOwn && ahead === 1) break;
  }
  return { logged, suppressed };
}

export interface LogTail {
  /** What the log has, the last line first; absent where lines are not kept. */
  readonly linesInReverse?: () => AsyncIterable<string>;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * What an agent wrote after its last checkpoint, before it was killed: without it, that would be told twice. A log that
 * cannot be read back is no reason to keep none.
 */
export async function recordsSinceCheckpoint(
  checkpoint: Checkpoint,
  { linesInReverse: linesBackwards, log }: LogTail,
): Promise<RecordedPackets> {
  try {
    return linesBackwards === undefined ? nothingRecorded : await since(checkpoint, linesBackwards());
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the end of the audit log could not be read: some may be told twice');
    return nothingRecorded;
  }
}

/** A loss without a verdict is of packets that were not denied. */
const scopeOf = ({ direction, verdict }: LossRecord['podwall.loss.scope']): PacketScope =>
  verdict === undefined ? 'report' : (direction ?? 'neither');

/** Undefined for half a line, which says nothing. */
function recordIn(line: string): AuditRecord | undefined {
  try {
    return new LineReader().take(line).record();
  } catch (error) {
    if (!(error instanceof MalformedLine)) throw error;
    return undefined;
  }
}
