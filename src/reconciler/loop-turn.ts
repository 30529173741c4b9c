import type { ClusterChange } from '../model/cluster.js';
import type { PolicyRef } from '../model/policy.js';
import type { ProgramChange } from '../program/types.js';
import type { ChangeQueue } from './change-queues.js';
import { worstEffect } from '../program/effect.js';
import type { TableChange, TableTurn } from './table-turn.js';
import { DirtyCollector } from '../nftables/render/dirty.js';

/** Changes that were compiled together, and what they change in the kernel. */
export interface CompiledSlice extends TableChange {
  /** Undefined for changes that the loop itself makes. */
  readonly queue: ChangeQueue | undefined;
  readonly namespaces: ReadonlySet<string>;
  readonly moved: readonly string[];
  readonly changes: readonly ClusterChange[];
  readonly program: ProgramChange;
  /** When the first of them was noticed, in milliseconds of the loop's clock. */
  readonly noticedAt: number;
}

export const changeOf = (slices: readonly CompiledSlice[]): TableChange => ({
  dirty: DirtyCollector.merged(...slices.map(({ dirty }) => dirty)),
  effect: worstEffect(slices.map(({ effect }) => effect)),
  namespaces: new Set(slices.flatMap(({ namespaces }) => [...namespaces])),
  moved: slices.flatMap(({ moved }) => moved),
});

/** Slices that come into force by one switch. */
export class LoopTurn {
  readonly slices: CompiledSlice[];
  readonly table: TableTurn;
  readonly #began: number;
  /** In a row. */
  failures = 0;
  /** After a failure: not before this time of the loop's clock. */
  retryAt = 0;
  lastError: unknown;
  /** Milliseconds that bringing it into force has taken. */
  applying = 0;
  /** The first state: all namespaces' changes belong to it until it is in force. */
  isFirst = false;

  /** @param began in milliseconds of the loop's clock */
  constructor(slices: readonly CompiledSlice[], table: TableTurn, began: number) {
    this.#began = began;
    this.slices = [...slices];
    this.table = table;
  }

  get queues(): ReadonlySet<ChangeQueue> {
    return new Set(this.slices.flatMap(({ queue }) => queue ?? []));
  }

  /** When its first change was noticed; a repair's first change is that it began. */
  get noticedAt(): number {
    return this.slices.length === 0 ? this.#began : Math.min(...this.slices.map(({ noticedAt }) => noticedAt));
  }

  get policies(): readonly PolicyRef[] {
    return this.slices.flatMap(({ changes }) => changes.flatMap((one) => (one.kind === 'policy' ? [one.ref] : [])));
  }

  /** Endpoints, rule lists and groups that it changes. */
  get changed(): number {
    let count = 0;
    for (const { program } of this.slices)
      count += program.endpoints.length + program.ruleLists.length + program.groups.length;
    return count;
  }

  /** What the namespace that has had the least has had; a repair, which is nobody's, comes before all. */
  get charge(): number {
    const { queues } = this;
    return queues.size === 0 ? -1 : Math.min(...[...queues].map(({ charge }) => charge));
  }
}
