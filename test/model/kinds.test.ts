/** The table of kinds is the only place that knows them: a kind that is added there is read by every reader. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Kinds from '../../src/model/kinds.js';
import { FakeApiServer } from '../support/fake-api-server.js';

const real: typeof Kinds = await import('../../src/model/kinds.js');
const networkPolicy = real.followedKinds.find(({ kind }) => kind === 'NetworkPolicy');
if (networkPolicy === undefined) throw new Error('the table has no NetworkPolicy');

const madeUp: Kinds.FollowedKind = {
  ...networkPolicy,
  kind: 'MadeUpPolicy',
  apiVersions: ['made.up.example/v1'],
  removedApiVersions: [],
  resource: 'madeuppolicies',
};
const { kinds, followedKinds } = real;
jest.unstable_mockModule('../../src/model/kinds.js', () => ({
  followedKinds: [...followedKinds, madeUp],
  kinds: [...kinds, madeUp],
}));

const object = {
  apiVersion: 'made.up.example/v1',
  kind: 'MadeUpPolicy',
  metadata: { name: 'deny', namespace: 'shop' },
  spec: { podSelector: {}, policyTypes: ['Ingress'] },
};

describe('a kind that is added to the table', () => {
  let folder: string;
  let file: string;
  let server: FakeApiServer;
  let kubeconfig: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-kinds-'));
    file = join(folder, 'policy.json');
    await writeFile(file, JSON.stringify(object));
    server = await FakeApiServer.start();
    server.serve('/apis/made.up.example/v1/madeuppolicies', 'MadeUpPolicy');
    server.put(object);
    kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, server.kubeconfig);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('is read from a directory of manifests', async () => {
    const { readManifestFile } = await import('../../src/cluster/manifest-file.js');
    const { objects, problems, errors } = await readManifestFile(file);
    expect(objects.map(({ change }) => change)).toMatchObject([{ kind: 'policy', ref: { name: 'deny' } }]);
    expect([...problems, ...errors]).toEqual([]);
  });

  test('is collected for questions', async () => {
    const { ManifestCollector } = await import('../../src/manifests/manifest-collector.js');
    const { documentWithoutText } = await import('../../src/manifests/documents.js');
    const collector = new ManifestCollector({ strict: true });
    collector.takeDocument(documentWithoutText('test', object));
    expect(collector.objects().policies).toMatchObject([{ ref: { namespace: 'shop', name: 'deny' } }]);
  });

  test('is linted', async () => {
    const { LintInputCollector } = await import('../../src/lint/lint-input-collector.js');
    const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
    collector.takeText(JSON.stringify(object), 'policy.json');
    expect(collector.input(false).input.policies).toMatchObject([{ policy: { ref: { name: 'deny' } } }]);
  });

  test('is listed for questions about a live cluster', async () => {
    const { listObjects } = await import('../../src/cluster/api-server/list-objects.js');
    const { objects } = await listObjects({ kubeconfig }, AbortSignal.timeout(25_000));
    expect(objects).toMatchObject([{ kind: 'MadeUpPolicy', metadata: { name: 'deny' } }]);
  });

  test('is followed by the agent', async () => {
    const { ApiServerSource } = await import('../../src/cluster/api-server/api-server-source.js');
    using cluster = await new ApiServerSource({ kubeconfig }).sync();
    expect(cluster.snapshot().policies).toMatchObject([{ ref: { namespace: 'shop', name: 'deny' } }]);
  });
});
