/** All examples at once, on real packets: two nodes, one with the bridge plugin and one with ptp. */
import { expect, test } from '@jest/globals';
import { allExamplesAtOnce } from '../cases/examples.js';
import { PacketRunner } from '../cases/run-packets.js';
import { describePackets } from '../support/lab/requirements.js';

describePackets('policies-examples on real packets', () => {
  test.each(['bridge', 'ptp'] as const)(
    'every table holds while all examples are in force: %s plugin',
    async (plugin) => {
      const runner = await PacketRunner.create(plugin);
      try {
        const { asked, wrong } = await runner.run(allExamplesAtOnce());
        expect(wrong).toEqual([]);
        expect(asked).toBeGreaterThan(100);
      } finally {
        await runner[Symbol.asyncDispose]();
      }
    },
    120_000,
  );
});
