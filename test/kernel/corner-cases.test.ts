/** The corner cases on real packets: dual stack, pods over two nodes, each node with its own agent. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cornerCases } from '../cases/corner-cases.js';
import { PacketRunner } from '../cases/run-packets.js';
import { describePackets } from '../support/lab/requirements.js';

describePackets('corner cases on real packets: dual stack, two nodes, ptp plugin', () => {
  let runner: PacketRunner;
  beforeAll(async () => {
    runner = await PacketRunner.create('ptp');
  }, 60_000);
  afterAll(() => runner[Symbol.asyncDispose](), 60_000);

  test.each(cornerCases.map((table) => [`${table.id} ${table.title}`, table] as const))(
    '%s',
    async (_, table) => {
      const { wrong, asked } = await runner.run(table);
      expect(wrong).toEqual([]);
      expect(asked).toBeGreaterThan(0);
    },
    60_000,
  );
});
