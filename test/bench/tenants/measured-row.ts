/** One tenant's row from its arrival to its removal, while another tenant's changes are measured. */
import { setTimeout as delay } from 'node:timers/promises';
import { deleteAll, openSource, putAll, type ClusterSource, type SourceName } from '../live/cluster-source.js';
import type { MemoryUse } from '../live/control-group.js';
import { FlowStream } from '../live/flow-stream.js';
import { createLocalCluster, type LocalCluster } from '../live/local-cluster.js';
import { startMeasured, type MeasuredAgent } from '../live/measured-agent.js';
import { kernelObjectsOf } from './kernel-objects.js';
import { leftOver, type KernelObjects } from './object-counts.js';
import { OtherTenant } from './other-tenant.js';
import { marker, type TenantRow } from './rows.js';
import { marked, tenantClient, tenantPods, tenantServer } from './tenant-pods.js';

export type Phase = 'arrival' | 'edit' | 'removal';

export interface MeasuredPhase {
  readonly phase: Phase;
  /** Milliseconds that the other tenant waited for each change. */
  readonly waits: readonly number[];
  /** Milliseconds from the first write to the tenant's last; undefined when the row's time was over before. */
  readonly own: number | undefined;
  /** Seconds of a processor. */
  readonly processor: number;
  /** Whether the tenant's own server is isolated by then, as the row demands. */
  readonly isAsWritten: boolean;
}

export interface MeasuredRow {
  readonly row: TenantRow;
  readonly source: string;
  readonly quiet: readonly number[];
  readonly phases: readonly MeasuredPhase[];
  readonly memory: MemoryUse;
  readonly objects: KernelObjects | undefined;
  /** What the kernel still holds of it in the end, in words. */
  readonly left: string;
  readonly problems: readonly string[];
  readonly longestGap: number;
}

export interface RowOptions {
  readonly source: SourceName;
  readonly product?: string | undefined;
  /** Changes of the other tenant while nothing else happens. */
  readonly quietChanges: number;
  /** Milliseconds for all phases. */
  readonly bound: number;
  /** Milliseconds of a loop. */
  readonly looping: number;
  /** Milliseconds after the start and after the tenant's last word: what the agent does later is felt as well. */
  readonly settles: number;
}

export async function measureRow(row: TenantRow, options: RowOptions): Promise<MeasuredRow> {
  await using cluster = await createLocalCluster(tenantPods, row.quiet ?? []);
  await using source = await openSource(options.source, cluster.lab);
  await putAll(source, cluster.objects);
  await putAll(source, row.before?.() ?? []);
  await using agent = await startMeasured(cluster.lab, source.flags, options.product);
  await delay(options.settles);
  using other = new OtherTenant(cluster, source);
  using run = new RowRun({ row, cluster, source, agent, other, options });
  return await run.measure();
}

interface RowParts {
  readonly row: TenantRow;
  readonly cluster: LocalCluster;
  readonly source: ClusterSource;
  readonly agent: MeasuredAgent;
  readonly other: OtherTenant;
  readonly options: RowOptions;
}

class RowRun implements Disposable {
  readonly #parts: RowParts;
  readonly #marked: FlowStream;
  readonly #own: FlowStream;
  readonly #problems: string[] = [];
  #isMarked = false;

  constructor(parts: RowParts) {
    this.#parts = parts;
    const { cluster } = parts;
    this.#marked = new FlowStream(cluster.lab.prober, cluster.path(tenantClient, marked, 5001));
    this.#own = new FlowStream(cluster.lab.prober, cluster.path(tenantClient, tenantServer, 5002));
  }

  [Symbol.dispose](): void {
    this.#marked[Symbol.dispose]();
    this.#own[Symbol.dispose]();
  }

  async measure(): Promise<MeasuredRow> {
    const { row, cluster, source, agent, other, options } = this.#parts;
    const netns = cluster.lab.netns('n1');
    let changes = 0;
    const quiet = await other.loop(() => (changes += 1) > options.quietChanges, performance.now() + options.bound);
    await other.lift();
    await delay(options.settles);
    const before = await kernelObjectsOf(netns);
    const deadline = performance.now() + options.bound;
    const phases: MeasuredPhase[] = [];
    let objects = before;
    for (const phase of row.isLoop === true ? (['arrival'] as const) : (['arrival', 'edit', 'removal'] as const)) {
      if (this.#problems.length > 0) break;
      phases.push(await this.#phase(phase, deadline));
      if (phase === 'arrival') objects = await kernelObjectsOf(netns);
    }
    const memory = await agent.group.memory();
    if (memory.killed > 0) this.#problems.push(`${memory.killed} processes killed for want of memory`);
    if (agent.process.hasEnded) this.#problems.push('the agent has ended');
    const left = this.#problems.length > 0 || row.isLoop === true ? '' : await this.#leftOver(before);
    const common = { row, source: source.title, quiet, phases, memory, objects, left };
    return { ...common, problems: this.#problems, longestGap: other.longestGap };
  }

  async #phase(phase: Phase, deadline: number): Promise<MeasuredPhase> {
    const { agent, other, row } = this.#parts;
    const before = await agent.group.processorTime();
    let isOver = false;
    const waiting = other.loop(() => isOver || agent.process.hasEnded, deadline);
    const own = await this.#write(phase, deadline).catch((error: unknown) => {
      this.#problems.push(`${phase}: ${String(error)}`);
      return undefined;
    });
    await delay(this.#parts.options.settles);
    isOver = true;
    const waits = await waiting;
    const processor = (await agent.group.processorTime()) - before;
    const isIsolated = row.isolates && (phase !== 'removal' || row.before?.().some(isolatesServer) === true);
    const shown = await this.#own.reaches(isIsolated ? 'blocked' : 'open', performance.now(), 2000);
    return { phase, waits, own, processor, isAsWritten: shown !== Infinity };
  }

  /** Milliseconds until the tenant's last word is in force. @throws Error when it is not by the deadline */
  async #write(phase: Phase, deadline: number): Promise<number> {
    const { row, source, options } = this.#parts;
    const since = performance.now();
    if (row.isLoop === true) await this.#loop(options.looping);
    else if (phase === 'removal') await deleteAll(source, row.objects(1));
    else if (phase === 'arrival') await putAll(source, row.objects(0));
    else await putAll(source, row.objects(1).slice(0, row.edited));
    const marking = row.isLoop === true ? performance.now() : since;
    this.#isMarked = !this.#isMarked;
    await (this.#isMarked ? source.put(marker) : source.delete(marker));
    const left = Math.max(0, deadline - performance.now());
    const own = await this.#marked.reaches(
      this.#isMarked ? 'blocked' : 'open',
      marking,
      left + performance.now() - marking,
    );
    if (own === Infinity) throw new Error("the row's time was over before it was in force");
    return own;
  }

  async #loop(milliseconds: number): Promise<void> {
    const { row, source } = this.#parts;
    const until = performance.now() + milliseconds;
    for (let version = 0; performance.now() < until; version += 1) {
      await putAll(source, row.objects(version));
      await delay(10);
    }
  }

  /** What is swept a little later is given back. */
  async #leftOver(before: KernelObjects | undefined): Promise<string> {
    const { cluster, source, other } = this.#parts;
    const netns = cluster.lab.netns('n1');
    await other.lift();
    if (this.#isMarked) await source.delete(marker);
    for (let attempt = 0; ; attempt += 1) {
      const after = await kernelObjectsOf(netns);
      if (before === undefined || after === undefined) return 'not counted';
      const left = leftOver(before, after);
      if (left === '' || attempt === 5) return left;
      await delay(1000);
    }
  }
}

const isolatesServer = ({ kind, metadata }: { kind: string; metadata: { namespace?: string } }): boolean =>
  kind === 'NetworkPolicy' && metadata.namespace === 'tenant';
