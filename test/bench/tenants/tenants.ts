/** `--only tenants`: how long one tenant waits while another's objects arrive, are edited, and are removed. */
import { withCommand } from '../live/command-column.js';
import type { SourceName } from '../live/cluster-source.js';
import { missingControlGroups } from '../live/control-group.js';
import { chosenByName } from '../live/row-choice.js';
import { failedFigure, type BenchOptions, type Figure } from '../figures.js';
import { measureRow } from './measured-row.js';
import { tenantRows } from './rows.js';
import { figuresOf } from './tenant-figures.js';

/** Milliseconds for the phases of one row. */
const bounds = { fast: 30_000, full: 90_000 };

export async function measureTenants({ fast, rows, product }: BenchOptions): Promise<Figure[]> {
  if (missingControlGroups !== undefined) {
    console.error(`SKIPPED: ${missingControlGroups}`);
    return [];
  }
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
      settles: 3000,
    };
    const own = await measureRow(row, { source, product, ...options }).then(figuresOf, (error: unknown) => [
      failedFigure(`(l) ${row.title}`, error),
    ]);
    for (const { what, measured } of own) console.error(`    ${what}: ${measured}`);
    figures.push(...(await withCommand(own, 'tenants', row.name)));
  }
  return figures;
}

/** Thousands of objects at once: a real server would take the processors that are measured. */
const source: SourceName = 'fake-api-server';
