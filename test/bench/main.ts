/**
 * `npm run bench [-- --fast] [-- --only NAME,NAME] [-- --rows PART,PART]`: measures, prints a table, and writes bench.json.
 * `--rows` chooses rows of felt and tenants, `--product FILE` has them measure the bundle of another tree.
 * `-- --against COMMIT [--items packets,events] [--rounds 5] [--bound packets=1.03,events=1.10]`: this tree and a commit's
 * in turns; exit 1 when a bound is passed, 2 at flags that do not go together.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/report/table.js';
import { missingForPackets } from '../support/lab/prerequisites.js';
import { measureAgainst, removeWorktree } from './against.js';
import { measureAuditPackets } from './audit-packets.js';
import { measureAuditSummary } from './audit-summary.js';
import { parseAgainst, type AgainstOptions } from './comparison.js';
import { measureCompile } from './compile.js';
import { measureEvents } from './events.js';
import { measureApiServer } from './api-server.js';
import { measureChurn } from './churn.js';
import { measureFelt } from './felt/felt.js';
import type { Figure } from './figures.js';
import { measureLint } from './lint.js';
import { measureMemory } from './memory.js';
import { removeNamespaces } from './namespace.js';
import { measurePackets } from './packets.js';
import { measureReach } from './reach.js';
import { measureSync } from './sync.js';
import { measureTenants } from './tenants/tenants.js';
import { measureVersion } from './version.js';

async function main(): Promise<number> {
  const reason = missingForPackets();
  if (reason !== undefined) {
    console.error(`The bench needs network namespaces, and cannot run here: ${reason}`);
    return 5;
  }
  const stop = (): void =>
    void Promise.allSettled([removeNamespaces(), removeWorktree()]).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const { values: options } = parseArgs({
    options: {
      fast: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rows: { type: 'string' },
      product: { type: 'string' },
      against: { type: 'string' },
      items: { type: 'string' },
      rounds: { type: 'string' },
      bound: { type: 'string' },
    },
  });
  let against: AgainstOptions | undefined;
  try {
    against = parseAgainst(options);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  if (against !== undefined) return measureAgainst({ ...against, fast: options.fast, rows: options.rows });
  const figures: Figure[] = [];
  for (const [name, measure] of [
    ['felt', measureFelt],
    ['tenants', measureTenants],
    ['packets', measurePackets],
    ['compile', measureCompile],
    ['events', measureEvents],
    ['memory', measureMemory],
    ['sync', measureSync],
    ['churn', measureChurn],
    ['apiserver', measureApiServer],
    ['audit summary', measureAuditSummary],
    ['audit packets', measureAuditPackets],
    ['lint', measureLint],
    ['reach', measureReach],
    ['version', measureVersion],
  ] as const) {
    if (!options.only.split(',').some((part) => name.includes(part))) continue;
    console.error(`measuring ${name} ...`);
    figures.push(...(await measure(options)));
  }
  console.log(tableOf(figures));
  await writeFile('bench.json', `${JSON.stringify({ fast: options.fast, figures }, null, 2)}\n`);
  return 0;
}

function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, measured, goal = '', met, how = '' }) => [
    what,
    measured,
    goal,
    met === undefined ? '' : met ? 'met' : 'NOT met',
    how,
  ]);
  const [head, ...body] = formatTable([['Figure', 'Measured', 'Goal', '', ''], ...rows]).split('\n');
  return [head, ...body].join('\n');
}

process.exitCode = await main();
