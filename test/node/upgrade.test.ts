/** Files that an agent of the release before left in the state folder. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PacketAccounting } from '../../src/audit/accounting/packet-accounting.js';
import { CheckpointFile } from '../../src/node/state/checkpoint-file.js';
import { readStateFile } from '../../src/node/state/state-file.js';
import { packetCountOf } from '../../src/nftables/names/packet-counts.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, content: unknown): Promise<void> => writeFile(join(folder, name), JSON.stringify(content));

/** As the release before wrote it: 12 packets dropped, 5 of them logged, 2 of those in no record yet. */
const previous = {
  time: 10,
  counters: { 'drop-no-entry': 2, 'drop-in-1a2b3c': 10, 'logged-in': 5, 'to-report': 0, 'logged-report': 0 },
  unsettled: 2,
  suppressed: { ingress: 5, neither: 2 },
  written: { bootId: 'before', sequence: 7 },
};

describe('the checkpoint of the release before', () => {
  test('is read, and its unsettled packets are pending', async () => {
    await write('audit.json', previous);
    const { unsettled, ...rest } = previous;
    expect(await new CheckpointFile(folder).load()).toEqual({ ...rest, pending: unsettled });
  });

  test('accounts for the packets that its counters have counted since, under their old names', async () => {
    await write('audit.json', previous);
    const checkpoint = await new CheckpointFile(folder).load();
    if (checkpoint === undefined || 'isUnreadable' in checkpoint) throw new Error('no checkpoint');
    const accounting = new PacketAccounting(packetCountOf, checkpoint);
    const now = new Map(Object.entries({ ...previous.counters, 'drop-no-entry': 6, 'drop-in-1a2b3c': 13 }));
    accounting.addReading(now, 20);
    accounting.addReading(now, 30);
    const losses = accounting.takeLosses().map(({ cause, direction, count }) => [cause, direction, count]);
    expect(losses).toEqual([
      ['rate-limit', 'ingress', 8],
      ['rate-limit', undefined, 6],
    ]);
    expect(accounting.totals()).toMatchObject({ observed: 2 + 8 + 6 });
  });

  test.each(['[]', '7', '"x"', 'null', '{"time": 1, "counters": 7}', '{"time": 1}', '{"time": 1, "coun', ''])(
    'of another shape (%s) is set aside, and known as one that cannot be read',
    async (text) => {
      await writeFile(join(folder, 'audit.json'), text);
      const file = new CheckpointFile(folder);
      expect(await file.load()).toMatchObject({ isUnreadable: true });
      expect(await readFile(join(folder, 'audit.json.unreadable'), 'utf8')).toBe(text);
      expect(await file.load()).toBeUndefined();
    },
  );

  test('is written with the fields of today', async () => {
    const file = new CheckpointFile(folder);
    await write('audit.json', previous);
    const checkpoint = await file.load();
    if (checkpoint === undefined || 'isUnreadable' in checkpoint) throw new Error('no checkpoint');
    await file.save(checkpoint);
    const saved = JSON.parse(await readFile(join(folder, 'audit.json'), 'utf8')) as object;
    expect(saved).toMatchObject({ pending: 2 });
    expect(saved).not.toHaveProperty('unsettled');
  });
});

test('a state file of the release before that says mode audit is a dry run', async () => {
  await write('state.json', { agent: 'running', revision: 3, mode: 'audit' });
  expect(await readStateFile(folder)).toEqual({ agent: 'running', revision: 3, mode: 'dry-run' });
});
