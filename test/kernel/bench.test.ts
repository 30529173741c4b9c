/** The benches of what users feel, end to end on small clusters: that they see what they claim to measure. */
import { describe, expect, test } from '@jest/globals';
import { measureScenario } from '../bench/felt/felt.js';
import { livePods, scenarios } from '../bench/felt/scenarios.js';
import { missingControlGroups } from '../bench/live/control-group.js';
import { FlowStream } from '../bench/live/flow-stream.js';
import { createLocalCluster } from '../bench/live/local-cluster.js';
import { measureRow } from '../bench/tenants/measured-row.js';
import { smallRows } from '../bench/tenants/rows.js';
import { describePackets } from '../support/lab/requirements.js';

/** A few seconds each on a machine that has nothing else to do. */
const timeout = 180_000;

describePackets(
  'benches of what users feel',
  () => {
    test(
      'felt: every kind of change is seen on packets, in order and with its CPU',
      async () => {
        const few = scenarios[0]?.();
        if (few === undefined) throw new Error('no scenario');
        const figures = await measureScenario(few, 'fake-api-server', { rounds: 1, settles: 500 });
        expect(figures.map(({ what }) => what.split(': ')[1])).toEqual([
          'apply to blocked',
          'established flow cut',
          'delete to open',
          'peer joins by label to open',
          'peer leaves by label to blocked',
          'CPU of agent and children per change',
        ]);
        for (const { values } of figures)
          for (const value of Object.values(values)) {
            expect(value).toBeGreaterThan(0);
            expect(value).toBeLessThan(30_000);
          }
      },
      timeout,
    );

    test.each(smallRows.map((row) => [row.name, row] as const))(
      'tenants: %s',
      async (_, row) => {
        const options = {
          source: 'fake-api-server',
          quietChanges: 2,
          bound: 120_000,
          looping: 1000,
          settles: 500,
        } as const;
        const { phases, quiet, memory, objects, left, problems } = await measureRow(row, options);
        expect({ problems, left }).toEqual({ problems: [], left: '' });
        expect(phases.map(({ phase }) => phase)).toEqual(
          row.isLoop === true ? ['arrival'] : ['arrival', 'edit', 'removal'],
        );
        expect(phases.map(({ isAsWritten }) => isAsWritten)).not.toContain(false);
        for (const wait of [...quiet, ...phases.flatMap(({ waits, own = Infinity }) => [...waits, own])])
          expect(wait).toBeLessThan(120_000);
        expect(quiet).toHaveLength(2);
        expect(Math.min(...phases.map(({ waits }) => waits.length))).toBeGreaterThan(0);
        expect(memory.killed).toBe(0);
        expect(memory.peak).toBeGreaterThan(30);
        expect(objects?.elements).toBeGreaterThan(0);
      },
      timeout,
    );

    describe('a stream of flows', () => {
      test(
        'sees a path that is blocked and opened, and nothing else',
        async () => {
          await using cluster = await createLocalCluster(livePods.slice(0, 2), []);
          const [client, server] = livePods;
          if (client === undefined || server === undefined) throw new Error('no pods');
          const path = cluster.path(client, server, 5000);
          using stream = new FlowStream(cluster.lab.prober, path);
          expect(await stream.reaches('blocked', performance.now(), 300)).toBe(Infinity);
          expect(await stream.reaches('open', performance.now(), 2000)).toBeLessThan(2000);
          const nft = (...args: readonly string[]) => cluster.lab.run('n1', 'nft', ...args);
          const drop = 'table ip blocking { chain closed { type filter hook forward priority 0; policy drop; }; }';
          const blocked = stream.reaches('blocked', performance.now(), 5000);
          await nft(drop);
          expect(await blocked).toBeLessThan(5000);
          expect(await stream.reaches('open', performance.now(), 300)).toBe(Infinity);
          const opened = stream.reaches('open', performance.now(), 5000);
          await nft('delete table ip blocking');
          expect(await opened).toBeLessThan(5000);
          expect(stream.contradicted).toBe(0);
        },
        timeout,
      );
    });
  },
  missingControlGroups,
);
