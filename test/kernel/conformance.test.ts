/** The Kubernetes end-to-end suite's connectivity cases on real packets, pods over two nodes, each with its own agent. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { conformanceCases } from '../cases/conformance.js';
import { PacketRunner } from '../cases/run-packets.js';
import { describePackets } from '../support/lab/requirements.js';

describePackets('upstream conformance on real packets: IPv4, two nodes, bridge plugin', () => {
  let runner: PacketRunner;
  beforeAll(async () => {
    runner = await PacketRunner.create('bridge');
  }, 60_000);
  afterAll(() => runner[Symbol.asyncDispose](), 60_000);

  test.each(
    conformanceCases({ families: 'IPv4', nodes: 2 }).map((table) => [`${table.id} ${table.title}`, table] as const),
  )(
    '%s',
    async (_, table) => {
      const { wrong, asked } = await runner.run(table);
      expect(wrong).toEqual([]);
      expect(asked).toBeGreaterThan(0);
    },
    60_000,
  );
});
