/** Processes in the place of nft: one that works is let be, one that only waits is ended. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openNftClient } from '../../src/kernel/nft/nft-client.js';
import { limitTime } from '../../src/kernel/nft/time-limit.js';
import type { Transaction } from '../../src/nftables/language/command.js';

const working = 'while true; do :; done';
const limits = { idle: 1_000, total: 3_000, every: 50 };

async function ended(script: string): Promise<string> {
  const child = execa('sh', ['-c', script], { reject: false });
  let why = 'by itself';
  const limit = limitTime(
    child.pid,
    (reason) => {
      why = reason;
      child.kill('SIGKILL');
    },
    limits,
  );
  await child;
  limit[Symbol.dispose]();
  return why;
}

describe('a process is ended', () => {
  test.each([
    ['when it has waited as long as it may', 'exec sleep 60', 'made no progress for 1 s'],
    ['when it stops working', `timeout 1 sh -c '${working}'; exec sleep 60`, 'made no progress for 1 s'],
    ['after the whole time whatever it does', working, 'did not end within 3 s'],
  ])('%s', async (_, script, why) => expect(await ended(script)).toBe(why));

  test('not while it works, nor once it has ended', async () => {
    expect(
      await ended('i=0; while [ $i -lt 4 ]; do timeout 0.5 sh -c "while true; do :; done"; i=$((i+1)); done'),
    ).toBe('by itself');
  });
});

test.each([
  ['cannot list', 'Error: Could not process rule: Device or resource busy', 'Device or resource busy'],
  [
    'cannot be started',
    'nft: error while loading shared libraries: libjansson.so.4: No such file or directory',
    'libjansson',
  ],
])('an nft that %s has not said that there are no counters', async (_, stderr, named) => {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-failing-nft-'));
  const file = join(folder, 'nft');
  await writeFile(
    file,
    `#!/bin/sh\n[ "$1" = --version ] && echo "nftables v1.0.6" && exit\ncase "$*" in *"list counters"*|*"list table "*) echo '${stderr}' >&2; exit 1;; esac\n`,
    { mode: 0o755 },
  );
  const nft = await openNftClient({ command: [file] });
  await expect(nft.counters()).rejects.toThrow(named);
  await expect(nft.list({ family: 'inet', table: 'podwall' })).rejects.toThrow(named);
  await nft.close();
  await rm(folder, { recursive: true });
});

describe('an nft', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-slow-nft-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Answers as nft -i does, after `first`; everything else at once, but for a listing. */
  async function client(name: string, first: string) {
    const file = join(folder, name);
    const script = [
      '#!/bin/bash',
      '[ "$1" = --version ] && echo "nftables v1.0.6" && exit',
      `[ "$1" = -j ] && { ${first}; echo '{"nftables": []}'; exit; }`,
      '[ "$1" = -i ] || exit 0',
      `while read -r line; do case $line in ack-*) ${first}; printf 'Error: syntax error, unexpected string\\n%s\\n^^^\\n' "$line" >&2;; esac; done`,
    ];
    await writeFile(file, `${script.join('\n')}\n`, { mode: 0o755 });
    return openNftClient({ command: [file] });
  }
  const transaction: Transaction = {
    family: 'inet',
    table: 'podwall',
    effect: 'none',
    commands: [{ kind: 'add chain', name: 'c' }],
  };

  test('that works for longer than one may stand still is waited for; one that stands still is ended', async () => {
    const busy = await client('busy', 'end=$((SECONDS + 7)); while [ $SECONDS -lt $end ]; do :; done');
    const still = await client('still', 'exec sleep 60');
    const listing = await client('listing', 'exec sleep 60');
    const timedOut = { reason: 'timed-out', message: expect.stringContaining('made no progress for 5 s') };
    await Promise.all([
      busy.apply(transaction),
      expect(still.apply(transaction)).rejects.toMatchObject(timedOut),
      expect(listing.list({ family: 'inet', table: 'podwall' })).rejects.toMatchObject(timedOut),
    ]);
    await Promise.all([busy.close(), still.close()]);
  }, 60_000);
});
