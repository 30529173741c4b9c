/** Finds missing lines: each run of the agent numbers its lines from 1 without gaps, and its scans for themselves. */
import { isScan, type AuditRecord } from '../record.js';

interface Range {
  first: number;
  last: number;
}

export interface Run {
  readonly boot: string;
  readonly node: string;
  /** Times of its first and last record in the log. */
  readonly start: string;
  readonly end: string;
  readonly first: number;
  readonly last: number;
  /** Lines that appear twice. */
  readonly repeated: number;
  readonly gaps: readonly Range[];
  /** Missing lines before the first one: 0 for a node's earliest run, whose older files may have been removed. */
  readonly missingBefore: number;
}

class Lines {
  readonly node: string;
  readonly ranges: Range[] = [];
  start: string;
  end: string;
  repeated = 0;

  constructor(record: AuditRecord) {
    this.node = record['k8s.node.name'];
    this.start = this.end = record['@timestamp'];
  }

  add(sequence: number, time: string): void {
    if (time < this.start) this.start = time;
    if (time > this.end) this.end = time;
    const last = this.ranges.at(-1);
    if (last !== undefined && sequence === last.last + 1) last.last = sequence;
    else if (last === undefined || sequence > last.last) this.ranges.push({ first: sequence, last: sequence });
    else this.#insert(sequence);
  }

  /** Files may be read in any order. */
  #insert(sequence: number): void {
    const at = this.ranges.findIndex(({ last }) => last >= sequence - 1);
    const range = this.ranges[at];
    if (range === undefined) throw new Error(`no range ends after ${sequence}`);
    if (sequence >= range.first && sequence <= range.last) this.repeated += 1;
    else if (sequence === range.first - 1) range.first = sequence;
    else if (sequence < range.first) this.ranges.splice(at, 0, { first: sequence, last: sequence });
    else range.last = sequence;
    const next = this.ranges[at + 1];
    if (next !== undefined && next.first === range.last + 1) {
      range.last = next.last;
      this.ranges.splice(at + 1, 1);
    }
  }
}

export class Sequences {
  readonly #runs = new Map<string, Lines>();

  add(record: AuditRecord): void {
    const boot = `${record['podwall.boot_id']}${isScan(record) ? ' (scans)' : ''}`;
    let lines = this.#runs.get(boot);
    if (lines === undefined) this.#runs.set(boot, (lines = new Lines(record)));
    lines.add(record['event.sequence'], record['@timestamp']);
  }

  /** By node and time. */
  runs(): readonly Run[] {
    const sorted = [...this.#runs].sort(([, a], [, b]) => (`${a.node} ${a.start}` < `${b.node} ${b.start}` ? -1 : 1));
    return sorted.map(([boot, { node, start, end, ranges, repeated }], index) => {
      const [first, last] = [ranges[0]?.first ?? 0, ranges.at(-1)?.last ?? 0];
      const isEarliest = sorted[index - 1]?.[1].node !== node;
      const gaps = ranges.slice(1).map((range, at) => ({ first: (ranges[at]?.last ?? 0) + 1, last: range.first - 1 }));
      return { boot, node, start, end, first, last, repeated, gaps, missingBefore: isEarliest ? 0 : first - 1 };
    });
  }
}
