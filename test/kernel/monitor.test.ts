/** What the agent makes of an nft that babbles: a program that prints in its place. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchTables, type ForeignChange } from '../../src/kernel/nft/nft-monitor.js';
import { until } from '../support/until.js';

describe('watching nft monitor', () => {
  let folder: string;
  const watch = async (program: string, seen: ForeignChange[]): Promise<Disposable> => {
    const file = join(folder, 'nft');
    await writeFile(file, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    const client = { command: [file], isOwnProcess: (pid: number) => pid === 7 };
    return watchTables({ client, onForeignChange: (change) => void seen.push(change) });
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-monitor-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('others’ transactions on our tables are reported, with who did it; our own and other tables’ are not', async () => {
    const seen: ForeignChange[] = [];
    const lines = [
      'add rule inet podwall forward accept',
      '# new generation 2 by process 7 (nft)',
      'add rule inet other forward accept',
      '# new generation 3 by process 8 (nft)',
      'delete chain inet podwall admit',
      '# new generation 4 by process 9 (nft)',
    ];
    const monitor = await watch(`printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}; exec sleep 60`, seen);
    await until(() => seen.length > 0);
    monitor[Symbol.dispose]();
    expect(seen).toEqual([{ text: 'delete chain inet podwall admit', process: '9 (nft)' }]);
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
});
