import { messageOf } from '../../generic/message-of.js';
import type { PacketScope } from '../../program/packet-count.js';
import { LineReader, MalformedLine } from '../reading/line-reader.js';
import { isLoss, type AuditRecord, type LossRecord } from '../record.js';
import { nothingRecorded, type Checkpoint, type RecordedPackets, type WrittenLines } from './checkpoint.js';
import { packetScopes } from './counter-growth.js';

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
export async function recordsSinceCheckpoint(checkpoint: Checkpoint, tail: LogTail): Promise<RecordedPackets> {
  const { time, written } = checkpoint;
  if (written === undefined) return nothingRecorded;
  const { bootId, sequence, scanSequence = 0 } = written;
  return readable(tail, async (records, scans) => {
    const sum = new RecordedSum();
    await addSince(records, { time, bootId, sequence }, sum);
    await addSince(scans, { time, bootId, sequence: scanSequence }, sum);
    return sum;
  });
}

/** What the last lines account for, whoever wrote them: of each kind at most so many packets. */
export async function recordsUpTo(most: RecordedPackets, tail: LogTail): Promise<RecordedPackets> {
  return readable(tail, async (...files) => {
    const sum = new RecordedSum();
    for (const lines of files)
      for await (const line of lines) {
        if (sum.covers(most)) break;
        const record = recordIn(line);
        if (record !== undefined) sum.add(record);
      }
    return sum.atMost(most);
  });
}

type Lines = AsyncIterable<string> | Iterable<string>;

async function readable(
  { linesInReverse, scanLinesInReverse, log }: LogTail,
  read: (records: Lines, scans: Lines) => Promise<RecordedPackets>,
): Promise<RecordedPackets> {
  try {
    return await read(linesInReverse?.() ?? [], scanLinesInReverse?.() ?? []);
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'cannot read the end of the audit log: some packets may be recorded twice');
    return nothingRecorded;
  }
}

class RecordedSum implements RecordedPackets {
  logged = 0;
  readonly suppressed = { ...nothingRecorded.suppressed };

  add(record: AuditRecord): void {
    if (!isLoss(record)) this.logged += record['podwall.count'];
    else if (record['podwall.loss.cause'] === 'rate-limit')
      this.suppressed[scopeOf(record['podwall.loss.scope'])] += record['podwall.loss.count'];
    // Lines of a file that was removed have accounted for the packets that are lost by rotation.
    else if (record['podwall.loss.cause'] !== 'rotation') this.logged += record['podwall.loss.count'];
  }

  covers(most: RecordedPackets): boolean {
    return this.logged >= most.logged && packetScopes.every((one) => this.suppressed[one] >= most.suppressed[one]);
  }

  atMost(most: RecordedPackets): RecordedPackets {
    const suppressed = { ...most.suppressed };
    for (const scope of packetScopes) suppressed[scope] = Math.min(suppressed[scope], this.suppressed[scope]);
    return { logged: Math.min(most.logged, this.logged), suppressed };
  }
}

async function addSince(
  linesInReverse: Lines,
  written: Pick<Checkpoint, 'time'> & WrittenLines,
  sum: RecordedSum,
): Promise<void> {
  for await (const line of linesInReverse) {
    const record = recordIn(line);
    if (record === undefined) continue;
    const isOwn = record['podwall.boot_id'] === written.bootId;
    const ahead = record['event.sequence'] - written.sequence;
    // Later runs ended before they made a checkpoint. The lines of an earlier run precede all lines of this one.
    if (isOwn ? ahead <= 0 : Date.parse(record['@timestamp']) < written.time) break;
    sum.add(record);
    if (isOwn && ahead === 1) break;
  }
}

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
