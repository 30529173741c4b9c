/** The first run of a release whose counters have other names: it begins with the checkpoint of the one before. */
import { expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoint } from '../../../src/audit/accounting/checkpoint.js';
import { PacketAccounting } from '../../../src/audit/accounting/packet-accounting.js';
import { CheckpointFile } from '../../../src/node/state/checkpoint-file.js';
import { packetCountOf } from '../../../src/nftables/names/packet-counts.js';

/** As the release before wrote it. */
const saved = {
  time: 1000,
  counters: {
    'drop-in-90627b029659eaed': 50,
    'drop-no-entry': 100,
    'drop-picked-full': 4,
    'drop-error': 20,
    'drop-mid-stream': 6,
    'logged-in': 40,
    'logged-other': 90,
    'to-report': 10,
    'logged-report': 8,
  },
  unsettled: 3,
  suppressed: { ingress: 10, neither: 40, report: 2 },
};

async function loaded(): Promise<Checkpoint> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-checkpoint-'));
  try {
    await writeFile(join(folder, 'audit.json'), JSON.stringify(saved));
    const checkpoint = await new CheckpointFile(folder).load();
    if (checkpoint === undefined || 'isUnreadable' in checkpoint) throw new Error('no checkpoint');
    return checkpoint;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const reading = (changed: Readonly<Record<string, number>>): ReadonlyMap<string, number> =>
  new Map(Object.entries({ ...saved.counters, ...changed }));

/** Without the counters that the upgrade removes from the table. */
const without = (counters: ReadonlyMap<string, number>, removed: readonly string[]): Map<string, number> =>
  new Map([...counters].filter(([name]) => !removed.includes(name)));
const removed = ['drop-no-entry', 'drop-picked-full', 'drop-error'];

test('what was counted under the old names is accounted for once, and what the new ones count as well', async () => {
  const accounting = new PacketAccounting(packetCountOf, await loaded());
  // Meanwhile 11 more were dropped, and 5 of them logged: nobody was there to receive those, or the 3 before them.
  const old = reading({ 'drop-no-entry': 110, 'drop-error': 21, 'logged-other': 95 });
  accounting.compare(accounting.addReading(old, 2000), { before: 0, during: 0 }, { start: 1000, isRead: false });
  accounting.addReading(old, 2100);
  accounting.countersRemoved(removed);
  // After the switch to today's names: 6 dropped, 6 logged and received.
  const today = without(
    new Map([...old, ['drop-invalid', 3], ['drop-untracked', 2], ['drop-icmp-error', 1], ['logged-other', 101]]),
    removed,
  );
  accounting.compare(accounting.addReading(today, 3000), { before: 6, during: 0 }, { start: 2100, isRead: true });
  accounting.addReading(today, 3100);
  const losses = accounting.takeLosses();
  for (const loss of losses) accounting.lossRecorded(loss);
  expect(losses.map(({ cause, direction, isReport, count }) => [cause, direction, isReport, count])).toEqual([
    ['rate-limit', 'ingress', undefined, 10],
    ['rate-limit', undefined, undefined, 46],
    ['rate-limit', undefined, true, 2],
    ['agent-down', undefined, undefined, 8],
  ]);
  accounting.addWritten(6);
  expect(accounting.totals()).toMatchObject({ written: 6, suppressed: 58, lost: { 'agent-down': 8 }, inFlight: 0 });
});
