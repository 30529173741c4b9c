import type { LineReader } from '../reading/line-reader.js';
import { packetsOf, type Grouping } from './fields.js';
import { Histogram, type TimeScale } from './histogram.js';
import { TimestampReader } from './times.js';

/** Records with the same values in the fields that they are grouped by. */
export interface Group {
  readonly key: readonly string[];
  /** Packets of the records. */
  readonly count: number;
  readonly records: number;
  /** Earliest and latest record, in milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
  /** Only when asked for: a line of the group, the first under its latest policy set. */
  readonly sample: string;
  readonly histogram: Histogram;
}

type Growing = { -readonly [K in keyof Group]: Group[K] } & { snapshot: string | number | undefined };

interface TallyOptions {
  readonly fields: readonly Grouping[];
  readonly scale: TimeScale;
  readonly samples?: boolean;
}

/** Groups; the records of further ones are counted together, so that memory stays bounded. */
const maxGroups = 50_000;

export class Tally {
  readonly #options: TallyOptions;
  readonly #groups = new Map<string, Growing>();
  readonly #times = new TimestampReader();
  readonly histogram: Histogram;
  count = 0;
  records = 0;
  /** Records of groups beyond the limit. */
  ungrouped = 0;
  /** Some record is in several groups, so that their counts add up to more than there was. */
  isOverlapping = false;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.histogram = new Histogram(options.scale);
  }

  add(line: LineReader): void {
    // In the order in which a line has them, which is the fastest to find them in.
    const time = this.#times.read(String(line.get('@timestamp')));
    const ids = this.#idsOf(line);
    const count = packetsOf(line);
    this.#options.scale.include(time);
    this.count += count;
    this.records += 1;
    this.histogram.add(time, count);
    if (ids.length > 1) this.isOverlapping = true;
    const groups = ids.flatMap((id) => this.#groupOf(id) ?? []);
    if (groups.length < ids.length) this.ungrouped += 1;
    for (const group of groups) {
      group.count += count;
      group.records += 1;
      group.histogram.add(time, count);
      if (time < group.first) group.first = time;
      if (time > group.last) group.last = time;
      if (this.#options.samples === true) keepSample(group, line);
    }
  }

  /** The largest first. */
  groups(): readonly Group[] {
    return [...this.#groups.values()].sort(
      (a, b) => b.count - a.count || (a.key.join('\0') < b.key.join('\0') ? -1 : 1),
    );
  }

  /** One per group of the record: nearly always one. */
  #idsOf(line: LineReader): readonly string[] {
    let ids = [''];
    for (const field of this.#options.fields) {
      const value = field(line);
      ids =
        typeof value === 'string'
          ? ids.map((id) => `${id}${value}\0`)
          : ids.flatMap((id) => value.map((one) => `${id}${one}\0`));
    }
    return ids;
  }

  #groupOf(id: string): Growing | undefined {
    const known = this.#groups.get(id);
    if (known !== undefined || this.#groups.size >= maxGroups) return known;
    const group: Growing = {
      key: copyOf(id).split('\0').slice(0, -1),
      count: 0,
      records: 0,
      first: Infinity,
      last: -Infinity,
      sample: '',
      snapshot: undefined,
      histogram: new Histogram(this.#options.scale),
    };
    this.#groups.set(id, group);
    return group;
  }
}

function keepSample(group: Growing, line: LineReader): void {
  const snapshot = line.get('podwall.snapshot');
  if (group.sample !== '' && snapshot === group.snapshot) return;
  group.sample = copyOf(line.text);
  group.snapshot = typeof snapshot === 'string' ? copyOf(snapshot) : snapshot;
}

/** A slice keeps all of what it was cut from alive. */
const copyOf = (slice: string): string => Buffer.from(slice).toString();
