import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DirectorySource, readManifests } from '../../src/cluster/directory.js';
import { InputError } from '../../src/generic/input-error.js';
import type { SourceChange, SyncedCluster } from '../../src/cluster/types.js';
import { policyKey } from '../../src/model/policy.js';

let directory: string;
let cluster: SyncedCluster | undefined;
let changes: SourceChange[];
let errors: string[];
let debug: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'podwall-source-'));
  [changes, errors, debug] = [[], [], []];
});

afterEach(async () => {
  cluster?.[Symbol.dispose]();
  cluster = undefined;
  await rm(directory, { recursive: true, force: true });
});

const pod = (name: string, labels: object = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels },
    spec: { containers: [] },
  });
const policy = (name: string, spec = '{}'): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: ${name}, namespace: shop }\nspec: ${spec}\n`;

async function put(name: string, text: string): Promise<void> {
  await writeFile(join(directory, `.${name}.new`), text);
  await rename(join(directory, `.${name}.new`), join(directory, name));
}

async function start(): Promise<SyncedCluster> {
  const source = new DirectorySource({
    directory,
    onError: (text) => errors.push(text),
    onDebug: (text) => debug.push(text),
  });
  cluster = await source.sync();
  cluster.onChange((change) => changes.push(change));
  return cluster;
}

/** Milliseconds from an event to the scan, or a little more. */
const settled = 8;

async function eventually(check: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!check() && performance.now() < deadline) await delay(10);
  expect(check()).toBe(true);
}

const reported = (): readonly string[] =>
  changes.flatMap((change) =>
    change.changes.map((one) => {
      const name = 'ref' in one ? one.ref.name : one.name;
      const isThere = 'pod' in one || 'policy' in one || 'namespace' in one || 'node' in one;
      return `${one.kind} ${name}${isThere ? '' : ' gone'}`;
    }),
  );

describe('at start', () => {
  test('reads every kind of file below, and implies namespaces', async () => {
    await mkdir(join(directory, 'deep/er'), { recursive: true });
    await put('a.yaml', policy('one'));
    await writeFile(join(directory, 'deep/er/b.yml'), policy('two'));
    await put('c.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [JSON.parse(pod('api'))] }));
    await put('ignored.txt', 'not: [yaml');
    await mkdir(join(directory, '.git'));
    await writeFile(join(directory, '.git/x.yaml'), 'not: [yaml');
    const { policies, pods, namespaces } = (await start()).snapshot();
    expect(policies.map(({ ref }) => policyKey(ref)).sort()).toEqual(['shop/one', 'shop/two']);
    expect(pods.map(({ ref }) => ref.name)).toEqual(['api']);
    expect(namespaces).toEqual([{ name: 'shop', labels: { 'kubernetes.io/metadata.name': 'shop' }, annotations: {} }]);
  });

  test.each([
    ['no YAML', 'a: [1,\nb: 2\n', /bad\.yaml:2:\d+: /],
    ['no kind', 'apiVersion: v1\nmetadata: { name: x }\n', /bad\.yaml:1:1: kind: /],
    [
      'a label that is a number',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels:\n    app: 6\n',
      /bad\.yaml:6:5: .*metadata\.labels\.app: must be a string/,
    ],
  ])('%s is an InputError with file, line and field', async (_, text, message) => {
    await put('bad.yaml', text);
    await expect(start()).rejects.toThrow(InputError);
    await expect(start()).rejects.toThrow(message);
  });

  test('the same object twice names both files', async () => {
    await put('a.yaml', policy('one'));
    await put('b.yaml', `# first line\n${policy('one')}`);
    await expect(start()).rejects.toThrow(/b\.yaml:2: policy shop\/one is also in .*a\.yaml:1/);
  });

  test('a directory that is not there is an InputError', async () => {
    await expect(readManifests([join(directory, 'nowhere')])).rejects.toThrow(/nowhere: no such file or directory/);
  });

  test('an invalid policy is a problem, not an error: it fails closed', async () => {
    await put('a.yaml', policy('one', '{ ingress: [{ form: [] }] }'));
    const { policies } = (await start()).snapshot();
    expect(policies[0]?.kind).toBe('broken');
    expect(cluster?.problems()[0]).toMatchObject({ line: 4, object: { kind: 'NetworkPolicy', name: 'one' } });
  });

  test('what isolates elsewhere is never overlooked; other kinds are, with a debug line', async () => {
    const object = (apiVersion: string, kind: string): string =>
      JSON.stringify({ apiVersion, kind, metadata: { name: 'x' } });
    await put('a.json', object('policy.networking.k8s.io/v1alpha2', 'ClusterNetworkPolicy'));
    await put('b.json', object('cilium.io/v2', 'CiliumNetworkPolicy'));
    await put('c.json', object('apps/v1', 'Deployment'));
    await put('d.json', object('podwall.dev/v1alpha1', 'Assertions'));
    await start();
    expect(cluster?.problems().map(({ object: which }) => which?.kind)).toEqual([
      'ClusterNetworkPolicy',
      'CiliumNetworkPolicy',
    ]);
    expect(debug.join('\n')).toContain('Deployment x is ignored');
  });
});

describe('while running', () => {
  test('reports additions, changes, replacements by rename and deletions, each once', async () => {
    await put('a.yaml', policy('one'));
    await start();
    await put('pods.json', pod('api'));
    await eventually(() => reported().length === 1);
    await put('pods.json', pod('api', { app: 'api' }));
    await eventually(() => reported().length === 2);
    await rm(join(directory, 'pods.json'));
    await eventually(() => reported().length === 3);
    expect(reported()).toEqual(['pod api', 'pod api', 'pod api gone']);
  });

  test('an object that moves to another file in one scan is no change', async () => {
    await put('a.yaml', policy('one'));
    await start();
    await rename(join(directory, 'a.yaml'), join(directory, 'b.yaml'));
    await put('c.yaml', policy('two'));
    await eventually(() => reported().length > 0);
    expect(reported()).toEqual(['policy two']);
  });

  test('a new folder is followed, and a ConfigMap mount swaps as a whole', async () => {
    await mkdir(join(directory, '..2026_1'));
    await writeFile(join(directory, '..2026_1/p.yaml'), policy('one'));
    await symlink('..2026_1', join(directory, '..data'));
    await symlink('..data/p.yaml', join(directory, 'p.yaml'));
    await start();
    await mkdir(join(directory, '..2026_2'));
    await writeFile(join(directory, '..2026_2/p.yaml'), policy('two'));
    await symlink('..2026_2', join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    await eventually(() => reported().length === 2);
    expect([...reported()].sort()).toEqual(['policy one gone', 'policy two']);
    await mkdir(join(directory, 'new'));
    await writeFile(join(directory, 'new/q.yaml'), policy('three'));
    await eventually(() => reported().includes('policy three'));
  });

  test('a file that turns bad keeps its last good content, and says so until it is good again', async () => {
    await put('a.yaml', policy('one'));
    const synced = await start();
    await put('a.yaml', 'a: [1,\nb: 2\n');
    await eventually(() => synced.problems().length > 0);
    expect(synced.problems()[0]).toMatchObject({ file: join(directory, 'a.yaml'), line: 2 });
    expect(synced.snapshot().policies).toHaveLength(1);
    expect(errors.join()).toContain('last good content');
    await put('a.yaml', policy('one', '{ policyTypes: [Egress] }'));
    await eventually(() => synced.problems().length === 0);
    expect(reported()).toEqual(['policy one']);
  });

  test('a kustomization that appears is refused: the last good content stays until it goes', async () => {
    await put('a.yaml', policy('one'));
    const synced = await start();
    await put('kustomization.yaml', 'resources: [a.yaml]\n');
    await put('a.yaml', policy('one', '{ policyTypes: [Egress] }'));
    await eventually(() => synced.problems().length > 0);
    expect(synced.problems()[0]?.diagnostic.message).toContain('kubectl kustomize');
    expect(reported()).toEqual([]);
    await rm(join(directory, 'kustomization.yaml'));
    await eventually(() => synced.problems().length === 0 && reported().length > 0);
    expect(reported()).toEqual(['policy one']);
  });

  test('fifty files that are half written cost one wait, not one each', async () => {
    await start();
    const names = [...Array(50).keys()].map((number) => `p${number}`);
    const began = performance.now();
    await Promise.all(names.map((name) => put(`${name}.yaml`, 'kind: [')));
    await put('good.json', pod('good'));
    await eventually(() => reported().includes('pod good') && errors.length >= names.length);
    // One each would be five seconds.
    expect(performance.now() - began).toBeLessThan(2500);
  });

  test('an object that appears twice changes nothing until one of them goes', async () => {
    await put('a.yaml', policy('one'));
    const synced = await start();
    await put('b.yaml', policy('one', '{ policyTypes: [Egress] }'));
    await eventually(() => synced.problems().length > 0);
    expect(reported()).toEqual([]);
    await rm(join(directory, 'a.yaml'));
    await eventually(() => synced.problems().length === 0);
    expect(reported()).toEqual(['policy one']);
  });

  test('of two objects of one name that become two nothing is said any more, whichever file was edited', async () => {
    await put('a.yaml', policy('one'));
    await put('b.yaml', policy('two'));
    const synced = await start();
    await put('a.yaml', policy('two'));
    await eventually(() => synced.problems().length > 0);
    await put('a.yaml', policy('three'));
    await eventually(() => synced.problems().length === 0);
    expect([...reported()].sort()).toEqual(['policy one gone', 'policy three']);
  });

  test('a directory that vanishes is a failure, not an empty cluster; it is followed again when it returns', async () => {
    await put('a.yaml', policy('one'));
    const synced = await start();
    await rename(directory, `${directory}.away`);
    await eventually(() => synced.problems().length > 0);
    expect(synced.snapshot().policies).toHaveLength(1);
    expect(reported()).toEqual([]);
    await rename(`${directory}.away`, directory);
    await put('b.yaml', policy('two'));
    await eventually(() => reported().includes('policy two'));
    expect(synced.problems()).toEqual([]);
    expect(reported()).toEqual(['policy two']);
  });

  test('an event reads what it names; what no event names is found by the scan of the whole tree', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'podwall-outside-'));
    const edit = (spec: string): Promise<void> => writeFile(join(outside, 'a.yaml'), policy('linked', spec));
    await edit('{}');
    await symlink(join(outside, 'a.yaml'), join(directory, 'a.yaml'));
    await start();
    await edit('{ policyTypes: [Egress] }');
    await eventually(() => reported().length === 1);
    // A scan of the whole tree has just been: the next is seconds away.
    await edit('{ policyTypes: [Ingress, Egress] }');
    await put('b.yaml', policy('named'));
    await eventually(() => reported().length === 2);
    expect(reported()).toEqual(['policy linked', 'policy named']);
    await eventually(() => reported().length === 3);
    expect(reported()[2]).toBe('policy linked');
    await rm(outside, { recursive: true });
  });

  test('while a large tree is scanned, what changes is announced, and nothing that is there is called gone', async () => {
    const many = Array.from({ length: 600 }, (_, index) => `p${String(index)}`);
    await Promise.all(many.map((name) => writeFile(join(directory, `${name}.yaml`), policy(name))));
    const started = await start();
    const here = new Set(started.snapshot().policies.map((one) => one.ref.name));
    for (let round = 0; round < 20; round += 1) {
      // An event of a new folder asks for a scan of the whole tree.
      await mkdir(join(directory, `folder-${String(round)}`));
      await delay(settled);
      await put(`new-${String(round)}.yaml`, policy(`new-${String(round)}`));
      if (round % 2 === 1) await rm(join(directory, `p${String(round)}.yaml`));
    }
    // One that was named while a folder was, too, is found by the scan that follows.
    await eventually(() => reported().length >= 30);
    for (const entry of reported()) {
      const [, name = '', gone] = entry.split(' ');
      if (gone === undefined) here.add(name);
      else expect(here.delete(name)).toBe(true);
    }
    expect(here.size).toBe(600 - 10 + 20);
    expect(reported()).toHaveLength(30);
    expect(new Set(started.snapshot().policies.map((one) => one.ref.name))).toEqual(here);
  });

  test('a folder takes its files along, and a file that is none any more goes', async () => {
    await mkdir(join(directory, 'deep/er'), { recursive: true });
    await writeFile(join(directory, 'deep/er/a.yaml'), policy('one'));
    await put('b.yaml', policy('two'));
    await put('c.yaml', policy('three'));
    await start();
    await delay(100);
    const before = performance.now();
    await rm(join(directory, 'deep'), { recursive: true });
    await eventually(() => reported().includes('policy one gone'));
    await rename(join(directory, 'b.yaml'), join(directory, 'b.txt'));
    await eventually(() => reported().includes('policy two gone'));
    await rm(join(directory, 'c.yaml'));
    await mkdir(join(directory, 'c.yaml'));
    await eventually(() => reported().includes('policy three gone'));
    // By events, none by the scan that comes every two seconds.
    expect(performance.now() - before).toBeLessThan(1500);
  });
});
