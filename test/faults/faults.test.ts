/** The short form of `npm run faults`: every step is recorded, and an agent is killed at a few of them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describePackets } from '../support/lab/requirements.js';
import { seed } from '../support/seed.js';
import { kills } from './kills.js';
import { attempted, type Extent } from './statement.js';
import { FaultCluster } from './fault-cluster.js';

/** Other steps in each run. */
const few: Extent = { oneOf: 5, first: Math.abs(seed), atMost: 2 };

describePackets('under packets, an agent', () => {
  let cluster: FaultCluster;
  beforeAll(async () => {
    cluster = await FaultCluster.create();
    await cluster.start();
  }, 60_000);
  afterAll(() => cluster[Symbol.asyncDispose](), 60_000);

  const short = kills.filter(({ name }) => /recorded|start|change/.test(name));
  test.each(short.map((one) => [one.name, one] as const))(
    '%s',
    async (_, statement) => {
      const outcome = await attempted(statement, cluster, few);
      expect([outcome.problems, outcome.text]).toEqual([[], expect.stringContaining(' 0 wrong verdicts')]);
      expect(outcome.isMet).toBe(true);
    },
    120_000,
  );
});
