/** `--only tenants`: how long one tenant waits while another's objects arrive, are edited, and are removed. */
import type { SourceName } from '../live/cluster-source.js';
import { missingControlGroups } from '../live/control-group.js';
import { chosenByName } from '../live/row-choice.js';
import type { BenchOptions, Figure } from '../figures.js';
import { quantile } from '../statistics.js';
import { describeObjects } from './kernel-objects.js';
import { measureRow, type MeasuredPhase, type MeasuredRow } from './measured-row.js';
import { tenantRows } from './rows.js';

const goals = { wait: 100, megabytes: 450 };
/** Milliseconds for the phases of one row. */
const bounds = { fast: 30_000, full: 90_000 };

export async function measureTenants({ fast, rows, product }: BenchOptions): Promise<Figure[]> {
  if (missingControlGroups !== undefined) throw new Error(`tenants need a memory limit: ${missingControlGroups}`);
  const chosen = chosenByName(
    tenantRows.map(({ name }) => name),
    rows,
  );
  const figures: Figure[] = [];
  for (const row of tenantRows.filter(({ name }) => chosen.includes(name))) {
    console.error(`  ${row.name} ...`);
    const options = {
      quietChanges: fast ? 10 : 100,
      bound: bounds[fast ? 'fast' : 'full'],
      looping: fast ? 5000 : 20_000,
    };
    const own = figuresOf(await measureRow(row, { source, product, ...options }));
    for (const { what, measured } of own) console.error(`    ${what}: ${measured}`);
    figures.push(...own);
  }
  return figures;
}

/** Thousands of objects at once: a real server would take the processors that are measured. */
const source: SourceName = 'fake-api-server';

export function figuresOf(measured: MeasuredRow): Figure[] {
  const { row, quiet, phases, memory, objects, left, problems, longestGap } = measured;
  const waits = phases.flatMap((phase) => phase.waits);
  const [p50, p99, max] = [quantile(waits, 0.5), quantile(waits, 0.99), Math.max(...waits)];
  const wrong = phases.filter(({ isAsWritten }) => !isAsWritten).map(({ phase }) => `after ${phase} not as written`);
  const remarks = [...problems, ...wrong, ...(left === '' ? [] : [`not given back: ${left}`])];
  const title = `(l) ${row.title}`;
  const describePhase = ({ phase, waits: own }: MeasuredPhase): string => `${phase} ${ms(Math.max(...own))}`;
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
