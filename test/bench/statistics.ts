/** What figures are made of: medians, quantiles, and how far a median can be trusted. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? NaN, sorted[sorted.length >> 1] ?? NaN];
  return (low + high) / 2;
}

const resamples = 2000;

function resampled(statistic: (draw: (values: readonly number[]) => number[]) => number): number[] {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const draw = (values: readonly number[]): number[] =>
    values.map(() => values[Math.floor(random() * values.length)] ?? NaN);
  return Array.from({ length: resamples }, () => statistic(draw));
}

const interval = (value: number, samples: readonly number[]): Interval => ({
  median: value,
  low: quantile(samples, 0.025),
  high: quantile(samples, 0.975),
});

/** The median with its 95 % bootstrap interval. */
export const medianInterval = (values: readonly number[]): Interval =>
  interval(
    median(values),
    resampled((draw) => median(draw(values))),
  );

/** How much the second median is of the first, with its 95 % bootstrap interval. */
export const growthInterval = (first: readonly number[], second: readonly number[]): Interval =>
  interval(
    median(second) / median(first),
    resampled((draw) => median(draw(second)) / median(draw(first))),
  );
