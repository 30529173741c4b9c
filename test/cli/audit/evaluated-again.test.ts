import { describe, expect, test } from '@jest/globals';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examplesDirectory } from '../../cases/examples.js';
import { audit, useRecordedMinute } from './recorded-minute.js';

const minute = useRecordedMinute();
const { ask, document } = minute;
const tiers = join(examplesDirectory, '12-three-tiers', 'policy.yaml');

describe('explain', () => {
  test('by id: the record, why, the nearest miss, and the edit', async () => {
    const { stdout, exitCode } = await ask('explain', minute.ids[0] ?? '');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('NetworkPolicy: bookshop/database-from-app: NoMatch');
    expect(stdout).toContain(
      'under the policies of that moment\nno: bookshop/Pod/web may not reach bookshop/Pod/db on TCP 5432',
    );
    expect(stdout).toContain('wants tier=app; bookshop/Pod/web has tier=web');
    expect(stdout).toContain(
      'the smallest edit that allows it: in bookshop/database-from-app, add to spec.ingress[0].from',
    );
  });

  test('by the ends of its flow, the latest; by its community id', async () => {
    const { stdout, exitCode } = await ask('explain', '10.244.1.27', '10.244.2.27:5432', 'TCP');
    expect([stdout, exitCode]).toEqual([expect.stringContaining('yes: bookshop/Pod/app may reach bookshop/Pod/db'), 0]);
    const [first] = (await ask('show', '--first', '1', '-o', 'json')).stdout.split('\n');
    const { 'network.community_id': id = '' } = JSON.parse(first ?? '') as Record<string, string>;
    expect((await ask('explain', id)).stdout).toContain('bookshop/web:40001');
  });

  test('then and now', async () => {
    const mended = join(minute.folder, 'mended.yaml');
    await writeFile(
      mended,
      (await readFile(tiers, 'utf8')).replace(
        'tier: app\n      ports:\n        - port: 5432',
        'tier: web\n      ports:\n        - port: 5432',
      ),
    );
    const { stdout, exitCode } = await ask('explain', minute.ids[0] ?? '', '--policies', mended);
    expect(stdout).toMatch(/under the policies given\nyes: .*\n(.*\n)*.*mended\.yaml:\d+:\d+/);
    expect(exitCode).toBe(0);
  });

  test('what is no longer kept is unknown; what was never there is nothing', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'podwall-audit-alone-'));
    await cp(join(minute.folder, 'audit.jsonl'), join(alone, 'audit.jsonl'));
    const { stdout, exitCode } = await audit('explain', minute.ids[4] ?? '', '--log', alone);
    expect([stdout, exitCode]).toEqual([expect.stringContaining('unknown: '), 4]);
    expect((await ask('explain', 'nobody')).exitCode).toBe(3);
    expect((await ask('explain', '10.0.0.1')).exitCode).toBe(2);
    await rm(alone, { recursive: true });
  });
});

describe('replay', () => {
  test('the policies that were in force change nothing', async () => {
    const { stdout, exitCode } = await ask('replay', '--policies', tiers);
    expect(stdout).toBe(`CHANGE        FROM              TO               PORT      DIRECTION  COUNT  BECAUSE
newly-denied  bookshop/Pod/web  bookshop/Pod/db  5433/TCP  ingress    1      bookshop/database-from-app

of 4 records of packets that passed, 1 would be denied
of 3 records of denied packets, 0 would pass
1 records whose verdict does not come from a policy are left out`);
    expect(exitCode).toBe(1);
    expect((await ask('replay', '--policies', tiers, '--mode', 'enforce')).exitCode).toBe(0);
  });

  test('what a change would deny is a regression; what it would allow is one when asked', async () => {
    const changed = join(minute.folder, 'changed.yaml');
    await writeFile(
      changed,
      (await readFile(tiers, 'utf8')).replace('tier: app\n      ports', 'tier: web\n      ports'),
    );
    const found = await document('replay', '--policies', changed, '--mode', 'enforce');
    expect(found).toMatchObject({
      kind: 'AuditReplay',
      evaluated: { allows: 3, denials: 3 },
      unknown: 0,
      changes: [
        {
          change: 'newly-denied',
          from: 'bookshop/Pod/app',
          to: 'bookshop/Pod/db',
          because: ['bookshop/database-from-app'],
        },
        { change: 'newly-allowed', from: 'bookshop/Pod/web', to: 'bookshop/Pod/db', count: 42, records: 2 },
      ],
    });
    const only = ['--mode', 'enforce', '--not', '--from-pod', 'app'];
    expect((await ask('replay', '--policies', changed, ...only)).exitCode).toBe(0);
    expect((await ask('replay', '--policies', changed, ...only, '--fail-on', 'allowed')).exitCode).toBe(1);
  });

  test('without records of allowed packets nothing can be said of new denials', async () => {
    const { exitCode, stderr } = await ask('replay', '--policies', tiers, '--verdict', 'deny', '--mode', 'enforce');
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('no record of a packet that passed')]);
    expect((await ask('replay')).exitCode).toBe(2);
  });

  test('flows whose pods are no longer kept are unknown', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'podwall-audit-alone-'));
    await cp(join(minute.folder, 'audit.jsonl'), join(alone, 'audit.jsonl'));
    const { stdout, exitCode } = await audit('replay', '--log', alone, '--policies', tiers);
    expect([stdout, exitCode]).toEqual([expect.stringContaining("unknown: 3 records whose pods' labels"), 3]);
    await rm(alone, { recursive: true });
  });
});
