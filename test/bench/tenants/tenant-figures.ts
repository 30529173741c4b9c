/** A measured row as lines of the bench's table. */
import type { Figure } from '../figures.js';
import { quantile } from '../statistics.js';
import type { MeasuredPhase, MeasuredRow } from './measured-row.js';
import { describeObjects } from './object-counts.js';

const goals = { wait: 100, megabytes: 450 };

export function figuresOf(measured: MeasuredRow): Figure[] {
  const { row, quiet, phases, memory, objects, left, problems, longestGap } = measured;
  const waits = phases.flatMap((phase) => phase.waits);
  const [p50, p99, max] = [quantile(waits, 0.5), quantile(waits, 0.99), Math.max(...waits)];
  const wrong = phases.filter(({ isAsWritten }) => !isAsWritten).map(({ phase }) => `after ${phase} not as written`);
  const remarks = [...problems, ...wrong, ...(left === '' ? [] : [`not given back: ${left}`])];
  const title = `(l) ${row.title}`;
  const describePhase = ({ phase, waits: own }: MeasuredPhase): string =>
    `${phase} ${own.length === 0 ? 'not reached' : ms(Math.max(...own))}`;
  const seconds = phases.reduce((sum, { processor }) => sum + processor, 0);
  return [
    {
      what: `${title}: another tenant waits`,
      measured:
        `p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)} (${phases.map(describePhase).join(', ')}); ` +
        `in quiet p50 ${ms(quantile(quiet, 0.5))}, p99 ${ms(quantile(quiet, 0.99))}; own gap ${ms(longestGap)}`,
      goal: `p99 <= ${goals.wait} ms`,
      met: p99 <= goals.wait,
      values: { p50, p99, max },
    },
    {
      what: `${title}: what it costs`,
      measured: [
        `${seconds.toFixed(1)} s of CPU`,
        `peak ${memory.peak.toFixed(0)} MB of 537`,
        describeObjects(objects),
        `own wait ${phases.map(({ own }) => (own === undefined ? 'endless' : ms(own))).join(', ')}`,
        ...remarks,
      ].join('; '),
      goal: `<= ${goals.megabytes} MB, all given back`,
      met: memory.peak <= goals.megabytes && remarks.length === 0,
      values: { processor: seconds, peak: memory.peak },
    },
  ];
}

const ms = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
