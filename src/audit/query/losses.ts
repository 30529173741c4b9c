/** What the log reports as lost: loss records, added up. */
import type { LossRecord } from '../record.js';

export interface LossTotal {
  readonly cause: string;
  readonly node: string;
  readonly direction?: string;
  readonly verdict?: string;
  readonly sender?: string;
  readonly count: number;
  readonly records: number;
  /** When the first and the last of them were lost, RFC 3339. */
  readonly first: string;
  readonly last: string;
}

export class LossTotals {
  readonly #totals = new Map<string, LossTotal>();
  count = 0;

  add(record: LossRecord): void {
    const { direction, verdict, sender } = record['podwall.loss.scope'];
    const cause = record['podwall.loss.cause'];
    const node = record['k8s.node.name'];
    const lost = record['podwall.loss.count'];
    const [start, end] = [record['event.start'], record['event.end']];
    const key = [cause, node, direction, verdict, sender].join('\0');
    const before = this.#totals.get(key);
    this.count += lost;
    this.#totals.set(key, {
      cause,
      node,
      ...(direction === undefined ? {} : { direction }),
      ...(verdict === undefined ? {} : { verdict }),
      ...(sender === undefined ? {} : { sender }),
      count: (before?.count ?? 0) + lost,
      records: (before?.records ?? 0) + 1,
      first: before === undefined || start < before.first ? start : before.first,
      last: before === undefined || end > before.last ? end : before.last,
    });
  }

  /** The largest first. */
  totals(): readonly LossTotal[] {
    return [...this.#totals.values()].sort((a, b) => b.count - a.count);
  }
}
