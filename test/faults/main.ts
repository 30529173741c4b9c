/**
 * `npm run faults [-- --only TEXT]`: the agent's worst day under packets. One line for each statement; exit code 1 where one
 * is not met, 5 where this machine cannot try it.
 */
import { parseArgs } from 'node:util';
import { missingForPackets } from '../support/lab/prerequisites.js';
import { attempted, everything } from './statement.js';
import { statements } from './statements.js';
import { FaultCluster } from './fault-cluster.js';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = statements.filter(({ name }) => name.includes(values.only));

async function main(): Promise<number> {
  const reason = missingForPackets();
  if (reason !== undefined) {
    console.error(`faults: ${reason}`);
    return 5;
  }
  await using cluster = await FaultCluster.create();
  await cluster.start();
  let failures = 0;
  for (const statement of chosen) {
    const outcome = await attempted(statement, cluster, everything);
    console.log(`${outcome.isMet ? 'met    ' : 'NOT MET'} ${statement.name}: ${outcome.text}`);
    for (const problem of outcome.problems) console.log(`        ${problem}`);
    if (!outcome.isMet) failures += 1;
  }
  console.log(`${chosen.length - failures} of ${chosen.length} statements met`);
  return failures > 0 || chosen.length === 0 ? 1 : 0;
}

process.exitCode = await main();
