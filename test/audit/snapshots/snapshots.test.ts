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
    await store.savePolicies(policySetId(policies), policies, 'shop');
    await store.saveIdentity(identityId(identity), identity);
    const reader = new SnapshotReader(['/nowhere', folder]);
    expect(reader.policies(policySetId(policies))).toEqual(policies);
    expect(reader.identity(identityId(identity))).toEqual(identity);
    const [file = ''] = await readdir(join(folder, 'snapshots'));
    expect(file).toBe(`${policySetId(policies).replace(':', '-')}.shop.json.gz`);
    expect((await stat(join(folder, 'snapshots', file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'identities'))).mode & 0o777).toBe(0o700);
  });

  test('beside records of schema version 1, its dry run has the name of today', async () => {
    const before = policies.map((policy) => ({ ...policy, mode: 'audit' })) as unknown as typeof policies;
    const store = await SnapshotStore.open(folder);
    await store.savePolicies(policySetId(before), before, 'shop');
    const read = new SnapshotReader([folder]).policies(policySetId(before));
    expect(read).toEqual(policies.map((policy) => ({ ...policy, mode: 'dry-run' })));
  });

  const three = { ofNamespace: 3 * 4096, ofAll: 1 << 20 };

  test('is bounded: what was used longest ago goes, and is unknown then', async () => {
    const store = await SnapshotStore.open(folder, { policySets: three, identities: three });
    const ids = [1, 2, 3, 4].map((number) => identityId(numbered(number)));
    for (const number of [1, 2, 3, 1, 4]) await store.saveIdentity(identityId(numbered(number)), numbered(number));
    const reader = new SnapshotReader([folder]);
    expect(ids.map((id) => reader.identity(id) !== undefined)).toEqual([true, false, true, true]);
    // The next run knows what is there, and clears what was half written.
    await writeFile(join(folder, 'identities', 'sha256-x.json.gz.new'), 'half');
    const next = await SnapshotStore.open(folder, { policySets: three, identities: three });
    await next.saveIdentity(identityId(numbered(5)), numbered(5));
    const files = await readdir(join(folder, 'identities'));
    expect(files.filter((name) => name.endsWith('.gz'))).toHaveLength(3);
  });

  test('of one namespace goes when that one is past its bound, whatever it saves, and the reader says so', async () => {
    const limits = { policySets: three, identities: three };
    const store = await SnapshotStore.open(folder, limits);
    const edited = (edit: number) => [{ ...policies[0], generation: edit }] as unknown as typeof policies;
    await store.savePolicies(policySetId(policies), policies, 'quiet');
    for (let edit = 1; edit <= 700; edit += 1)
      await store.savePolicies(policySetId(edited(edit)), edited(edit), 'busy');
    const reader = new SnapshotReader([folder]);
    expect(reader.policies(policySetId(policies))).toEqual(policies);
    expect([1, 697, 698, 700].map((edit) => reader.policies(policySetId(edited(edit))) !== undefined)).toEqual([
      ...[false, false, true, true],
    ]);
    expect(reader.pastBound(['quiet', 'busy'])).toEqual(['busy']);
  }, 20_000);

  test('of the namespace that has most goes when all are past their bound together', async () => {
    const limits = { ofNamespace: 1 << 20, ofAll: 4 * 4096 };
    const store = await SnapshotStore.open(folder, { policySets: limits, identities: limits });
    const of = (namespace: string, number: number): PodIdentity => ({ ...numbered(number), namespace });
    const save = (namespace: string, number: number): Promise<void> =>
      store.saveIdentity(identityId(of(namespace, number)), of(namespace, number));
    await save('quiet', 0);
    for (let number = 1; number <= 10; number += 1) await save('busy', number);
    const reader = new SnapshotReader([folder]);
    const has = (namespace: string, number: number): boolean =>
      reader.identity(identityId(of(namespace, number))) !== undefined;
    expect([has('quiet', 0), has('busy', 7), has('busy', 8)]).toEqual([true, false, true]);
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
