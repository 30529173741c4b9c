/** What others do to our tables is heard from the kernel itself, and our own commits are known by their mark. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openNftClient, type NftClient } from '../../src/kernel/nft/nft-client.js';
import type { ForeignChange } from '../../src/kernel/table-events/nft-monitor.js';
import { watchTables } from '../../src/kernel/table-events/watch-tables.js';
import type { Command, Transaction } from '../../src/nftables/language/command.js';
import { inNamed } from '../support/lab/libc.js';
import { describePackets } from '../support/lab/requirements.js';
import { eventWorker } from '../support/product.js';
import { until } from '../support/until.js';
import { NftNamespace } from './nft-namespace.js';

const tx = (commands: readonly Command[], family: 'inet' | 'netdev' = 'inet'): Transaction => ({
  family,
  table: 'podwall',
  effect: 'none',
  commands,
});
const table: Command = { kind: 'add table' };

describePackets('commits to our tables', () => {
  const space = new NftNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'podwall-events-'));
  const foreign: ForeignChange[] = [];
  const unavailable: string[] = [];
  const watching = async (worker: string, client: NftClient): Promise<AsyncDisposable> => {
    foreign.length = 0;
    unavailable.length = 0;
    return inNamed(space.name, () =>
      watchTables({
        client,
        worker: pathToFileURL(worker),
        onForeignChange: (change) => void foreign.push(change),
        onUnavailable: (why) => void unavailable.push(why),
      }),
    );
  };
  const open = (): Promise<NftClient> => openNftClient({ command: ['ip', 'netns', 'exec', space.name, 'nft'] });
  const worker = (text: string): string => {
    const file = join(folder, 'worker.mjs');
    writeFileSync(file, text);
    return file;
  };
  afterAll(() => {
    space[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  test('each change of another process is reported, with what it was first and who made it; none of ours, and none of other tables', async () => {
    const client = await open();
    await using watch = await watching(eventWorker, client);
    expect(watch).toBeDefined();
    await client.apply(tx([table, { kind: 'add chain', name: 'own' }]));
    await client.apply(tx([table], 'netdev'));
    space.run('nft', 'add table inet other; add chain inet other c');
    space.run('nft', 'add table ip podwall');
    await delay(200);
    expect(foreign).toEqual([]);
    const changes: readonly (readonly [string, string])[] = [
      ['add chain inet podwall one; add rule inet podwall one accept', 'add chain inet podwall one'],
      ['add rule inet podwall one drop', 'add rule in chain inet podwall one'],
      ['flush chain inet podwall one', 'delete rule in chain inet podwall one'],
      ['add set inet podwall s { type ipv4_addr; }', 'add set inet podwall s'],
      ['add element inet podwall s { 10.0.0.1 }', 'add element of set inet podwall s'],
      ['delete element inet podwall s { 10.0.0.1 }', 'delete element of set inet podwall s'],
      ['add counter inet podwall commit-0123456789abcdef', 'add object inet podwall commit-0123456789abcdef'],
      ['delete set inet podwall s', 'delete set inet podwall s'],
      ['delete chain inet podwall one', 'delete chain inet podwall one'],
      ['add chain netdev podwall two', 'add chain netdev podwall two'],
      ['delete table netdev podwall', 'delete chain netdev podwall two'],
      ['add table inet podwall { flags dormant; }', 'add table inet podwall'],
    ];
    for (const [command, text] of changes) {
      foreign.length = 0;
      space.run('nft', command);
      await until(() => foreign.length > 0);
      expect(foreign).toEqual([{ text, process: expect.stringMatching(/^\d+ \(nft\)$/) }]);
    }
    expect(unavailable).toEqual([]);
    await client.close();
  }, 30_000);

  // nft monitor 1.0.6 dies of such elements, or prints without end.
  test('a change beside elements of concatenated intervals is heard, each time', async () => {
    const client = await open();
    await using watch = await watching(eventWorker, client);
    expect(watch).toBeDefined();
    space.run(
      'nft',
      'add table inet podwall; add set inet podwall ports { type inet_proto . inet_service; flags interval; }',
    );
    await until(() => foreign.length > 0);
    for (let index = 1; index <= 50; index += 1) {
      foreign.length = 0;
      space.run(
        'nft',
        `add element inet podwall ports { tcp . ${index * 10}-${index * 10 + 5}, udp . 0-${index} }; flush set inet podwall ports`,
      );
      await until(() => foreign.length > 0);
      expect(foreign).toHaveLength(1);
    }
    expect(unavailable).toEqual([]);
    await client.close();
  }, 30_000);

  test('events that the kernel could not hand over are looked for', async () => {
    const client = await open();
    const lost = worker(
      `import { parentPort } from 'node:worker_threads';
      for (const kind of ['open', 'lost']) parentPort.postMessage({ kind });
      await new Promise((resolve) => setTimeout(resolve, 500));`,
    );
    await using watch = await watching(lost, client);
    expect(watch).toBeDefined();
    await until(() => foreign.length > 0);
    expect(foreign[0]).toEqual({ text: 'events were lost' });
    await client.close();
  });

  test('a thread that hears no own commit is ended, another takes its place, and what it missed is looked for', async () => {
    const restarts: unknown[] = [];
    const heard = join(folder, 'heard');
    // The first hears one commit and none after; the second hears all.
    const deaf = worker(
      `import { existsSync, writeFileSync } from 'node:fs';
      import { parentPort, workerData } from 'node:worker_threads';
      const isFirst = !existsSync('${heard}');
      writeFileSync('${heard}', '');
      parentPort.postMessage({ kind: 'open' });
      setTimeout(() => parentPort.postMessage({ kind: 'lost' }), 50);
      setInterval(() => {
        if (Atomics.load(new Int32Array(workerData.stop), 0) !== 0) process.exit();
        if (!isFirst) parentPort.postMessage({ kind: 'lost' });
      }, 50);`,
    );
    const client = await open();
    foreign.length = 0;
    await using watch = await inNamed(space.name, () =>
      watchTables({
        client,
        worker: pathToFileURL(deaf),
        onForeignChange: (change) => void foreign.push(change),
        onUnavailable: (why) => void unavailable.push(why),
        onRestart: (restart) => void restarts.push(restart),
      }),
    );
    await until(() => foreign.length > 0);
    await delay(100);
    expect(watch.hearsAll).toBe(true);
    await client.apply(tx([table]));
    await until(() => restarts.length > 0, 6_000);
    expect(watch.hearsAll).toBe(false);
    await until(() => watch.hearsAll);
    expect(foreign.map(({ text }) => text)).toContain('the thread that hears commits was started again');
    expect(restarts).toEqual([{ child: 'event thread', reason: 'silent' }]);
    await client.close();
  }, 20_000);

  test.each([
    [
      'cannot be had',
      `import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ kind: 'unavailable', reason: 'no koffi' });`,
      'no koffi',
      false,
    ],
    ['fails', `throw new Error('out of order');`, 'out of order', false],
    [
      'ends when it has begun',
      `import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ kind: 'open' });`,
      'its thread ended',
      true,
    ],
  ])(
    'nft monitor takes the place of a thread that %s',
    async (_, text, why, hasBegun) => {
      const client = await open();
      await using watch = await watching(worker(text), client);
      expect(watch).toBeDefined();
      await until(() => unavailable.length > 0);
      expect(unavailable).toEqual([why]);
      // What happened in between is looked for.
      expect(foreign).toEqual(hasBegun ? [{ text: 'nft monitor was started' }] : []);
      foreign.length = 0;
      await until(() => {
        space.run('nft', 'add table inet podwall; add chain inet podwall c; delete chain inet podwall c');
        return foreign.length > 0;
      });
      expect(foreign[0]?.process).toMatch(/\(nft\)$/);
      await client.close();
    },
    30_000,
  );
});
