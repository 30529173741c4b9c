/** What the agent makes of an nft that babbles: a program that prints in its place. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { monitorTables, type ForeignChange } from '../../src/kernel/table-events/nft-monitor.js';
import { OwnCommits } from '../../src/kernel/nft/own-commits.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import type { Restart } from '../../src/kernel/children/restart.js';
import { until } from '../support/until.js';

const change: Transaction = {
  family: 'inet',
  table: 'podwall',
  effect: 'none',
  commands: [{ kind: 'add chain', name: 'c' }],
};
/** As nft prints what marks a transaction. */
function markOf({ marked }: ReturnType<OwnCommits['mark']>): readonly string[] {
  const names = marked.commands.flatMap((command) => (command.kind === 'add counter' ? [command.name] : []));
  return names.flatMap((name) => [
    `add counter inet podwall ${name} { packets 0 bytes 0 } `,
    `delete counter inet podwall ${name}`,
  ]);
}

describe('watching nft monitor', () => {
  let folder: string;
  const ownCommits = new OwnCommits();
  const restarts: Restart[] = [];
  let commitMark: () => 'committed' | 'no table' | 'not yet' = () => 'not yet';
  const watch = async (program: string, seen: ForeignChange[]): Promise<Disposable> => {
    const file = join(folder, 'nft');
    await writeFile(file, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    const client = { command: [file], ownCommits, commitMark: () => Promise.resolve(commitMark()) };
    return monitorTables({
      client,
      onForeignChange: (foreign) => void seen.push(foreign),
      onRestart: (restart) => void restarts.push(restart),
    });
  };
  const printing = (lines: readonly string[]): string =>
    `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}; exec sleep 60`;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-monitor-'));
    restarts.length = 0;
    commitMark = () => 'not yet';
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('others’ transactions on our tables are reported, with who did it; our own and other tables’ are not', async () => {
    const seen: ForeignChange[] = [];
    const lines = [
      'add rule inet podwall forward accept',
      ...markOf(ownCommits.mark(change)),
      '# new generation 2 by process 7 (nft)',
      'add rule inet other forward accept',
      '# new generation 3 by process 8 (nft)',
      'delete chain inet podwall admit',
      '# new generation 4 by process 9 (nft)',
    ];
    const monitor = await watch(printing(lines), seen);
    await until(() => seen.length > 0);
    monitor[Symbol.dispose]();
    expect(seen).toEqual([{ text: 'delete chain inet podwall admit', process: '9 (nft)' }]);
  });

  test('a mark counts once and alone: one that was seen, was refused, was never given or stands beside another is foreign', async () => {
    const seen: ForeignChange[] = [];
    const [twice, refused, first, second] = [1, 2, 3, 4].map(() => ownCommits.mark(change));
    if (twice === undefined || refused === undefined || first === undefined || second === undefined) throw new Error();
    refused.refused();
    const forged = 'add counter inet podwall commit-0123456789abcdef { packets 0 bytes 0 } ';
    const blocks = [
      markOf(twice),
      markOf(twice),
      markOf(refused),
      [forged],
      [...markOf(first), ...markOf(second)],
      markOf(first),
    ];
    const lines = blocks.flatMap((block, index) => [...block, `# new generation ${index} by process ${index} (nft)`]);
    const monitor = await watch(printing(lines), seen);
    await until(() => seen.length >= 4);
    monitor[Symbol.dispose]();
    expect(seen.map(({ process }) => process)).toEqual(['1 (nft)', '2 (nft)', '3 (nft)', '4 (nft)']);
  });

  test.each([
    ['events that were lost', `echo '# ERROR: We lost some netlink events!'`],
    ['an event that it cannot print', `echo 'W: Received event for an unknown set.' >&2`],
  ])('%s: it is started again, and what they were is looked for', async (_, complaint) => {
    const seen: ForeignChange[] = [];
    const monitor = await watch(
      `[ -e "$0.again" ] && exec sleep 60; touch "$0.again"; ${complaint}; exec sleep 60`,
      seen,
    );
    await until(() => seen.length > 0);
    monitor[Symbol.dispose]();
    expect(seen).toEqual([{ text: 'nft monitor was restarted' }]);
  });

  test('a monitor that goes on complaining is not ended each time, and what it missed is looked for', async () => {
    const seen: ForeignChange[] = [];
    const monitor = await watch(`echo start >> "$0.starts"; while true; do echo W >&2; sleep 0.01; done`, seen);
    await until(() => seen.length > 1, 10_000);
    monitor[Symbol.dispose]();
    expect(seen.map(({ text }) => text)).toEqual(['nft monitor was restarted', 'nft monitor could not print an event']);
    expect(await readFile(join(folder, 'nft.starts'), 'utf8')).toBe('start\nstart\n');
  });

  test('a line without end stops nobody: it is started again, and what happened meanwhile is looked for', async () => {
    const seen: ForeignChange[] = [];
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 10);
    const monitor = await watch(`printf 'add rule inet podwall x '; exec tr '\\0' 0 < /dev/zero`, seen);
    await until(() => seen.length > 1, 10_000);
    clearInterval(beat);
    monitor[Symbol.dispose]();
    expect(seen[0]).toEqual({ text: 'nft monitor was restarted' });
    // The loop was never kept from its work for as long as a policy may take to apply.
    expect(longest).toBeLessThan(1000);
  });

  test('a monitor that is stopped is ended when it does not report an own commit, begun anew, and what it missed is looked for', async () => {
    const seen: ForeignChange[] = [];
    const monitor = await watch(
      `[ -e "$0.again" ] && exec sleep 60; touch "$0.again"; echo '# new generation 1 by process 7 (nft)'; kill -STOP $$`,
      seen,
    );
    await until(() => readFile(join(folder, 'nft.again')).then(Boolean, () => false));
    // It has reported, and is stopped by now.
    await delay(100);
    ownCommits.committed(performance.now());
    await until(() => seen.length > 0, 6_000);
    monitor[Symbol.dispose]();
    expect(seen).toEqual([{ text: 'nft monitor was restarted' }]);
    expect(restarts).toEqual([{ child: 'nft monitor', reason: 'silent' }]);
  }, 15_000);

  test('a monitor that reports own commits is not ended, and that the table is gone is found by the sign', async () => {
    const seen: ForeignChange[] = [];
    let signs = 0;
    commitMark = () => ((signs += 1) === 1 ? 'no table' : 'not yet');
    const monitor = await watch(`while true; do echo '# new generation 1 by process 7 (nft)'; sleep 0.05; done`, seen);
    for (let time = 0; time < 30; time += 1) {
      ownCommits.committed(performance.now());
      await delay(100);
    }
    expect([seen, restarts]).toEqual([[], []]);
    monitor[Symbol.dispose]();
    const quiet = await watch('exec sleep 60', seen);
    await until(() => seen.length > 0);
    quiet[Symbol.dispose]();
    expect(seen).toEqual([{ text: 'table inet podwall is missing' }]);
  }, 15_000);
});
