/** What an agent's audit log says, while it is written. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isEvent, isLoss, type AuditRecord, type EventRecord, type LossRecord } from '../../../src/audit/record.js';
import { until } from '../until.js';

type RecordFields = Readonly<Partial<Record<keyof EventRecord, unknown>>>;

export class AuditTrail {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Every line, in the order of writing; rotated files first. Throws at a line that is no JSON. */
  async all(): Promise<AuditRecord[]> {
    for (;;)
      try {
        return await this.#read();
      } catch (error) {
        // Renamed, compressed or removed meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
  }

  async #read(): Promise<AuditRecord[]> {
    if (!existsSync(dirname(this.path))) return [];
    const [folder, start] = [dirname(this.path), basename(this.path, '.jsonl')];
    const rotated = (await readdir(folder)).filter((name) => name.startsWith(`${start}-`) && !name.endsWith('.new'));
    // While a rotated file is compressed, it is there twice for a moment.
    const names = [...new Set(rotated.map((name) => name.replace(/\.gz$/, '')))].sort();
    const texts = names.map(async (name) => {
      const compressed = rotated.includes(`${name}.gz`);
      const content = await readFile(join(folder, compressed ? `${name}.gz` : name));
      return (compressed ? gunzipSync(content) : content).toString();
    });
    const present = existsSync(this.path) ? await readFile(this.path, 'utf8') : '';
    const text = [...(await Promise.all(texts)), present].join('');
    // The last line may be half written.
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditRecord);
  }

  async events(): Promise<EventRecord[]> {
    return (await this.all()).filter(isEvent);
  }

  /**
   * Events of packets from this time on, in milliseconds since the epoch; without the last packet of a connection that its
   * client has reset, which isolation may drop, in a dry run or not.
   */
  async eventsSince(time: number): Promise<EventRecord[]> {
    return (await this.events()).filter(
      (record) => Date.parse(record['event.start']) >= time && record['podwall.reason'] !== 'mid-stream',
    );
  }

  async losses(): Promise<LossRecord[]> {
    return (await this.all()).filter(isLoss);
  }

  /** The first event that has all of these fields, as soon as it is there. */
  async find(fields: RecordFields, within = 15_000): Promise<EventRecord> {
    let found: EventRecord | undefined;
    const has = (record: EventRecord): boolean =>
      Object.entries(fields).every(([key, value]) => record[key as keyof EventRecord] === value);
    try {
      await until(async () => {
        found = (await this.events()).find(has);
        return found !== undefined;
      }, within);
    } catch {
      const last = (await this.events()).slice(-3);
      throw new Error(`no record has ${JSON.stringify(fields)}; the last ones are ${JSON.stringify(last, null, 1)}`);
    }
    if (found === undefined) throw new Error('unreachable');
    return found;
  }
}

/** Denied packets that records and losses speak of. */
export const packetsRecorded = (records: readonly AuditRecord[]): number =>
  records.reduce((sum, record) => sum + (isLoss(record) ? record['podwall.loss.count'] : record['podwall.count']), 0);
