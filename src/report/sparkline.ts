const steps = '▁▂▃▄▅▆▇█';

/** One character for each count, the tallest for the largest; a blank where nothing was. */
export function sparkline(counts: readonly number[]): string {
  const most = counts.reduce((largest, count) => Math.max(largest, count), 0);
  return counts
    .map((count) => (count === 0 ? ' ' : steps.charAt(Math.ceil((count / most) * steps.length) - 1)))
    .join('');
}
