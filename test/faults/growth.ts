/** Whether something grows, by readings at moments that should be alike. */

/** How much more of each there may be at the end by chance: pages, garbage that is not collected yet, a child just begun. */
export const tolerated = { 'memory (MB)': 16, descriptors: 3, children: 1, 'kernel objects': 2 } as const;

export type Kind = keyof typeof tolerated;

export type Reading = Readonly<Record<Kind, number>> & {
  /** Since the beginning. */
  readonly minute: number;
};

export interface Growth {
  readonly first: number;
  readonly last: number;
  /** A minute, by least squares. */
  readonly slope: number;
  /** The slope makes more of the whole time than chance does. */
  readonly grows: boolean;
}

/** A process that has just begun grows: of so many readings, as a share, nothing is concluded. */
const warmUp = 1 / 3;

/** @throws Error where there are fewer than two readings after the beginning */
export function growthOf(readings: readonly Reading[], kind: Kind): Growth {
  const settled = readings.slice(Math.floor(readings.length * warmUp));
  const [first, last] = [settled[0], settled.at(-1)];
  if (first === undefined || last === undefined || first === last) throw new Error('too short: at least two readings');
  const mean = (of: (reading: Reading) => number): number =>
    settled.reduce((sum, reading) => sum + of(reading), 0) / settled.length;
  const [time, amount] = [mean(({ minute }) => minute), mean((reading) => reading[kind])];
  const slope =
    mean((reading) => (reading.minute - time) * (reading[kind] - amount)) / mean(({ minute }) => (minute - time) ** 2);
  return {
    first: first[kind],
    last: last[kind],
    slope,
    grows: slope * (last.minute - first.minute) > tolerated[kind],
  };
}
