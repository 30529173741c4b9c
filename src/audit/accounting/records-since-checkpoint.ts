import { messageOf } from '../../generic/message-of.js';
import type { PacketScope } from '../../program/packet-count.js';
import { LineReader, MalformedLine } from '../reading/line-reader.js';
import { isLoss, type AuditRecord, type LossRecord } from '../record.js';
import { nothingRecorded, type Checkpoint, type RecordedPackets, type WrittenLines } from './checkpoint.js';

export interface LogTail {
  /** The lines of the log, the last line first; absent where lines are not kept. */
  readonly linesInReverse?: () => AsyncIterable<string>;
  /** The same of the scans. */
  readonly scanLinesInReverse?: () => AsyncIterable<string>;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * What an agent wrote after its last checkpoint, before it was killed: without this, those packets would be recorded
 * twice. Where the log cannot be read back, the agent writes on all the same.
 */
export async function recordsSinceCheckpoint(
  checkpoint: Checkpoint,
  { linesInReverse, scanLinesInReverse, log }: LogTail,
): Promise<RecordedPackets> {
  const { time, written } = checkpoint;
  if (written === undefined) return nothingRecorded;
  const { bootId, sequence, scanSequence = 0 } = written;
  try {
    const events = await packetsIn(linesInReverse?.() ?? noLines(), { time, bootId, sequence });
    const scans = await packetsIn(scanLinesInReverse?.() ?? noLines(), { time, bootId, sequence: scanSequence });
    return { logged: events.logged + scans.logged, suppressed: events.suppressed };
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'cannot read the end of the audit log: some packets may be recorded twice');
    return nothingRecorded;
  }
}

async function packetsIn(
  linesInReverse: AsyncIterable<string> | Iterable<string>,
  written: Pick<Checkpoint, 'time'> & WrittenLines,
): Promise<RecordedPackets> {
  const suppressed = { ...nothingRecorded.suppressed };
  let logged = 0;
  for await (const line of linesInReverse) {
    const record = recordIn(line);
    if (record === undefined) continue;
    const isOwn = record['podwall.boot_id'] === written.bootId;
    const ahead = record['event.sequence'] - written.sequence;
    // Later runs ended before they made a checkpoint. The lines of an earlier run precede all lines of this one.
    if (isOwn ? ahead <= 0 : Date.parse(record['@timestamp']) < written.time) break;
    if (!isLoss(record)) logged += record['podwall.count'];
    else if (record['podwall.loss.cause'] === 'rate-limit')
      suppressed[scopeOf(record['podwall.loss.scope'])] += record['podwall.loss.count'];
    // Lines of a file that was removed have accounted for the packets that are lost by rotation.
    else if (record['podwall.loss.cause'] !== 'rotation') logged += record['podwall.loss.count'];
    if (isOwn && ahead === 1) break;
  }
  return { logged, suppressed };
}

const noLines = (): Iterable<string> => [];

/** A loss without a verdict is of packets that were not denied. */
const scopeOf = ({ direction, verdict }: LossRecord['podwall.loss.scope']): PacketScope =>
  verdict === undefined ? 'report' : (direction ?? 'neither');

/** Undefined for an incomplete line. */
function recordIn(line: string): AuditRecord | undefined {
  try {
    return new LineReader().take(line).record();
  } catch (error) {
    if (!(error instanceof MalformedLine)) throw error;
    return undefined;
  }
}
