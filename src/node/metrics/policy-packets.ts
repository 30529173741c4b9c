import { messageOf } from '../../generic/message-of.js';
import type { ClusterChange } from '../../model/cluster.js';
import type { PolicyProgram, ProgramChange } from '../../program/types.js';
import type { LoopObserver, ReconcilerLog } from '../../reconciler/types.js';
import { PolicySeries, type SavedSeries } from './policy-series.js';

interface PolicyPacketsParts {
  readonly program: () => PolicyProgram;
  /** Packets of every named counter, from the kernel. */
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  readonly file: { load(): Promise<unknown>; save(saved: SavedSeries): Promise<void> };
  readonly log: Pick<ReconcilerLog, 'warn'>;
}

/**
 * Reads the counters of policies: for a scrape, and before the loop removes some, since what they counted goes with them.
 * Each reading is saved, so that the next run of the agent goes on from it.
 */
export class PolicyPackets implements Partial<LoopObserver>, AsyncDisposable {
  readonly #parts: PolicyPacketsParts;
  readonly #series: PolicySeries;
  #readings: Promise<unknown> = Promise.resolve();
  /** While one is read: those that were removed since it began, which it may still contain. */
  #removed: Set<string> | undefined;
  #saved = '';

  private constructor(parts: PolicyPacketsParts, saved: Partial<SavedSeries> | undefined) {
    this.#parts = parts;
    this.#series = new PolicySeries(parts.program, saved);
  }

  /** To be called before the loop starts: the first reading is compared with the last one of the run before. */
  static async start(parts: PolicyPacketsParts): Promise<PolicyPackets> {
    const saved = await parts.file.load().catch((error: unknown) => {
      parts.log.warn(
        { error: messageOf(error) },
        'cannot read the packets of policies that were saved: series begin anew',
      );
    });
    const packets = new PolicyPackets(parts, saved as Partial<SavedSeries> | undefined);
    await packets.#read().catch(packets.#cannotRead);
    return packets;
  }

  readonly #cannotRead = (error: unknown): void =>
    this.#parts.log.warn({ error: messageOf(error) }, 'cannot read the counters of policies');

  /** What the kernel has counted until now. Rejects when its counters cannot be read. */
  read(): Promise<void> {
    return this.#read();
  }

  /** As it was last read. */
  get series(): PolicySeries {
    return this.#series;
  }

  changesCompiled(changes: readonly ClusterChange[], program: ProgramChange): void {
    this.#series.changesCompiled(changes, program);
  }

  /** Rules do not wait for a reading that fails: what was counted since the one before is missing then. */
  async beforeRemoval(counters: readonly string[]): Promise<void> {
    await this.#read(counters).catch(this.#cannotRead);
  }

  countersRemoved(counters: readonly string[]): void {
    for (const name of counters) this.#removed?.add(name);
    this.#series.forget(counters);
    void this.#save();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#read().catch(this.#cannotRead);
  }

  /** One after the other: an older reading must not be taken for a newer one. */
  #read(removing?: readonly string[]): Promise<void> {
    const reading = this.#readings.then(async () => {
      const removed = new Set<string>();
      this.#removed = removed;
      try {
        const counted = new Map(await this.#parts.readCounters());
        for (const name of removed) counted.delete(name);
        this.#series.add(counted, removing);
      } finally {
        this.#removed = undefined;
      }
      await this.#save();
    });
    this.#readings = reading.catch(() => undefined);
    return reading;
  }

  async #save(): Promise<void> {
    const saved = this.#series.saved();
    const text = JSON.stringify(saved);
    if (text === this.#saved) return;
    try {
      await this.#parts.file.save(saved);
      this.#saved = text;
    } catch (error) {
      this.#parts.log.warn({ error: messageOf(error) }, 'cannot save the packets of policies');
    }
  }
}
