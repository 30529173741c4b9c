import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { identityId, policySetId, podIdentity, type PodIdentity } from '../../../src/audit/snapshots/content-id.js';
import { SnapshotReader } from '../../../src/audit/snapshots/snapshot-reader.js';
import { SnapshotStore } from '../../../src/audit/snapshots/snapshot-store.js';
import { recordedCluster } from '../recorded-log.js';

const { policies, pods, namespaces } = recordedCluster();
const [pod] = pods;
const [namespace] = namespaces;
if (pod === undefined || namespace === undefined) throw new Error('the example has no pods');
const identity = podIdentity(pod, namespace);
const numbered = (number: number): PodIdentity => ({ ...identity, labels: { number: String(number) } });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-snapshots-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('ids', () => {
  test('are of what is in it, in whatever order it comes', () => {
    expect(policySetId(policies.toReversed())).toBe(policySetId(policies));
    expect(policySetId(policies.slice(1))).not.toBe(policySetId(policies));
    const labels = { a: '1', b: '2' };
    expect(identityId({ ...identity, labels })).toBe(identityId({ ...identity, labels: { b: '2', a: '1' } }));
    expect(identityId({ ...identity, addresses: [] })).not.toBe(identityId(identity));
  });
});

describe('what is stored', () => {
  test('is read back, by its owner only, from whichever log has it', async () => {
    const store = await SnapshotStore.open(folder);
    await store.savePolicies(policySetId(policies), policies);
    await store.saveIdentity(identityId(identity), identity);
    const reader = new SnapshotReader(['/nowhere', folder]);
    expect(reader.policies(policySetId(policies))).toEqual(policies);
    expect(reader.identity(identityId(identity))).toEqual(identity);
    const [file = ''] = await readdir(join(folder, 'snapshots'));
    expect(file).toBe(`${policySetId(policies).replace(':', '-')}.json.gz`);
    expect((await stat(join(folder, 'snapshots', file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'identities'))).mode & 0o777).toBe(0o700);
  });

  test('beside records of schema version 1, its dry run has the name of today', async () => {
    const before = policies.map((policy) => ({ ...policy, mode: 'audit' })) as unknown as typeof policies;
    const store = await SnapshotStore.open(folder);
    await store.savePolicies(policySetId(before), before);
    const read = new SnapshotReader([folder]).policies(policySetId(before));
    expect(read).toEqual(policies.map((policy) => ({ ...policy, mode: 'dry-run' })));
  });

  test('is bounded: what was used longest ago goes, and is unknown then', async () => {
    const store = await SnapshotStore.open(folder, { policySets: 2, identities: 3 });
    const ids = [1, 2, 3, 4].map((number) => identityId(numbered(number)));
    for (const number of [1, 2, 3, 1, 4]) await store.saveIdentity(identityId(numbered(number)), numbered(number));
    const reader = new SnapshotReader([folder]);
    expect(ids.map((id) => reader.identity(id) !== undefined)).toEqual([true, false, true, true]);
    // The next run knows what is there, and clears what was half written.
    await writeFile(join(folder, 'identities', 'sha256-x.json.gz.new'), 'half');
    const next = await SnapshotStore.open(folder, { policySets: 2, identities: 3 });
    await next.saveIdentity(identityId(numbered(5)), numbered(5));
    expect(await readdir(join(folder, 'identities'))).toHaveLength(3);
  });

  test('at once by two, is written once', async () => {
    const store = await SnapshotStore.open(folder);
    await Promise.all([1, 2, 3].map(() => store.saveIdentity(identityId(identity), identity)));
    expect(await readdir(join(folder, 'identities'))).toHaveLength(1);
  });

  test('and is not what its name says, is gone', async () => {
    await SnapshotStore.open(folder);
    const place = (id: string): string => join(folder, 'identities', `${id.replace(':', '-')}.json.gz`);
    const [damaged, forged] = [identityId(numbered(1)), identityId(numbered(2))];
    await writeFile(place(damaged), gzipSync(JSON.stringify(numbered(1))).subarray(0, 30));
    await writeFile(place(forged), gzipSync(JSON.stringify(numbered(3))));
    const reader = new SnapshotReader([folder]);
    expect([damaged, forged, '../../etc/passwd'].map((id) => reader.identity(id))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
