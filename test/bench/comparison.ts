/** Two trees measured in turns: the arithmetic of what one costs beside the other. */
import { formatTable } from '../../src/report/table.js';
import type { Figure } from './figures.js';
import { median } from './statistics.js';

export interface Round {
  readonly here: readonly Figure[];
  readonly there: readonly Figure[];
}

export interface Compared {
  /** What was measured, and which of its values. */
  readonly what: string;
  readonly here: number;
  readonly there: number;
  /** `here` as a part of `there`. */
  readonly ratio: number;
}

/** Medians over the rounds, of every value that each round has on both sides: smaller is better. */
export function compareRounds(rounds: readonly Round[]): readonly Compared[] {
  const values = new Map<string, { here: number[]; there: number[] }>();
  for (const { here, there } of rounds) {
    const others = valuesOf(there);
    for (const [what, value] of valuesOf(here)) {
      const other = others.get(what);
      if (other === undefined) continue;
      const found = values.get(what) ?? { here: [], there: [] };
      values.set(what, { here: [...found.here, value], there: [...found.there, other] });
    }
  }
  return [...values]
    .filter(([, { here }]) => here.length === rounds.length)
    .map(([what, both]) => {
      const [here, there] = [median(both.here), median(both.there)];
      return { what, here, there, ratio: here / there };
    });
}

/**
 * No costs: an interval says how sure a median is, and of what passes in a second more is better; the cores that it takes
 * grow with it. The number of policies here is part of the title.
 */
const noCosts: readonly string[] = ['low', 'high', 'rate', 'perCore', 'cores'];

const valuesOf = (figures: readonly Figure[]): ReadonlyMap<string, number> =>
  new Map(
    figures.flatMap(({ what, values }) =>
      Object.entries(values)
        .filter(([name]) => !noCosts.includes(name))
        .map(([name, value]) => [`${what}: ${name}`, value]),
    ),
  );

/** What is measured against which commit, and what it may cost. */
export interface AgainstOptions {
  readonly commit: string;
  readonly items: readonly string[];
  readonly rounds: number;
  /** None without an item of its name. */
  readonly bounds: ReadonlyMap<string, number>;
}

export type AgainstFlags = Readonly<Partial<Record<'against' | 'items' | 'rounds' | 'bound', string>>>;

/** Undefined without `--against`. @throws Error at flags that would do nothing, or that nobody can read */
export function parseAgainst(flags: AgainstFlags): AgainstOptions | undefined {
  const { against, items = 'packets,events', rounds = '5', bound = '' } = flags;
  if (against === undefined) {
    const idle = (['items', 'rounds', 'bound'] as const).find((name) => flags[name] !== undefined);
    if (idle !== undefined) throw new Error(`--${idle} is for a comparison: give --against COMMIT as well`);
    return undefined;
  }
  if (!/^[1-9]\d*$/.test(rounds)) throw new Error(`--rounds ${rounds}: expected a number, 1 at least`);
  const [listed, bounds] = [items.split(','), parseBounds(bound)];
  for (const item of bounds.keys()) if (!listed.includes(item)) throw new Error(`--bound ${item}: not among --items`);
  return { commit: against, items: listed, rounds: Number(rounds), bounds };
}

/** `packets=1.03,events=1.10`. @throws Error at what is none */
function parseBounds(text: string): ReadonlyMap<string, number> {
  return new Map(
    text
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const [, item, bound] = /^([a-z ]+)=(\d+(?:\.\d+)?)$/.exec(part) ?? [];
        if (item === undefined || bound === undefined) throw new Error(`--bound ${part}: expected ITEM=RATIO`);
        return [item, Number(bound)];
      }),
  );
}

/** The typical ratio of an item: the geometric mean of all its values but the worst cases, which a few runs do not settle. */
export function overall(compared: readonly Compared[]): number {
  const typical = compared.filter(({ what }) => !/: (p99|max)$/.test(what));
  return Math.exp(typical.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / typical.length);
}

export function comparisonTable(item: string, compared: readonly Compared[], bound: number | undefined): string {
  const rows = compared.map(({ what, here, there, ratio }) => [
    what,
    here.toFixed(3),
    there.toFixed(3),
    ratio.toFixed(3),
  ]);
  const ratio = overall(compared);
  const verdict = bound === undefined ? '' : ratio <= bound ? ` <= ${bound}: met` : ` > ${bound}: NOT met`;
  return formatTable([[item, 'Here', 'There', 'Ratio'], ...rows, ['overall', '', '', `${ratio.toFixed(3)}${verdict}`]]);
}
