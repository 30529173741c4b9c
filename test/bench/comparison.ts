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

/** An interval says how sure a median is, and is no cost of its own; the number of policies here is part of the title. */
const valuesOf = (figures: readonly Figure[]): ReadonlyMap<string, number> =>
  new Map(
    figures.flatMap(({ what, values }) =>
      Object.entries(values)
        .filter(([name]) => name !== 'low' && name !== 'high')
        .map(([name, value]) => [`${what}: ${name}`, value]),
    ),
  );

/** `packets=1.03,events=1.10`. @throws Error at what is none */
export function parseBounds(text: string): ReadonlyMap<string, number> {
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
  const typical = compared.filter(({ what }) => !what.endsWith(': p99'));
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
