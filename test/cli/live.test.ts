/** What commands say of a live cluster, read from an API server. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { FakeApiServer, type ApiObject } from '../support/fake-api-server.js';
import { bundle } from '../support/product.js';

jest.setTimeout(60_000);

const pod = (app: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: app, namespace: 'shop', labels: { app } },
  spec: { containers: [{ name: 'c' }] },
});
const policy = (from: string): ApiObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'db', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'db' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: from } } }], ports: [{ port: 5432 }] }],
  },
});

describe('a live cluster', () => {
  let folder: string;
  let server: FakeApiServer;
  const podwall = (...args: readonly string[]) =>
    execa(process.execPath, [bundle, ...args, '--kubeconfig', 'kubeconfig'], {
      cwd: folder,
      reject: false,
      timeout: 20_000,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-live-'));
    server = await FakeApiServer.start();
    server.put(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
      pod('web'),
      pod('job'),
      pod('db'),
      policy('web'),
    );
    await writeFile(join(folder, 'kubeconfig'), server.kubeconfig);
    await mkdir(join(folder, 'next'));
    const next = [pod('web'), pod('job'), pod('db'), policy('job')];
    await writeFile(join(folder, 'next', 'all.yaml'), next.map((object) => stringify(object)).join('---\n'));
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const changed = [
    '~ NetworkPolicy shop/db',
    '',
    'shop/Pod/job -> shop/Pod/db: + TCP 5432  (by shop/db)',
    'shop/Pod/web -> shop/Pod/db: - TCP 5432  (by shop/db)',
  ];

  test('diff: what applying files would change, and the other way round', async () => {
    const { stdout, exitCode } = await podwall('diff', 'live', 'next', '--fail-on', 'added');
    expect([exitCode, stdout.split('\n').slice(0, 4)]).toEqual([1, changed]);
    const back = await podwall('diff', 'next', 'live');
    expect([back.exitCode, back.stdout]).toEqual([
      0,
      expect.stringContaining('shop/Pod/web -> shop/Pod/db: + TCP 5432'),
    ]);
    expect((await podwall('diff', 'live', 'live')).stdout).toBe('no connection changes');
  });

  test('reach, can and explain', async () => {
    expect((await podwall('reach', '--to', 'db.shop', '--from', 'ns/shop', '--pairs')).stdout).toMatch(
      /shop\/Pod\/web +shop\/Pod\/db +TCP 5432/,
    );
    expect((await podwall('can', 'job.shop', 'db.shop', '5432')).exitCode).toBe(1);
    const explained = await podwall('explain', 'job.shop', 'db.shop', '5432');
    expect(explained.stdout).toContain('shop/db  (http://127.0.0.1:');
    expect(explained.stdout).toContain('wants app=web; shop/Pod/job has app=job');
  });

  test('lint: findings without a place in a text, in every format', async () => {
    const { stdout, exitCode } = await podwall('lint', '-o', 'sarif', '-o', 'github=out.txt', '-o', 'junit=out.xml');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('"uri": "http');
  });

  test('lint: a block of Services’ cluster IPs, where the server reports their range and lets it be read', async () => {
    const found = async (): Promise<readonly string[]> => {
      const { stdout, stderr } = await podwall('lint', '-o', 'json');
      expect(stderr).toBe('');
      const { findings } = JSON.parse(stdout) as { findings: { rule: string; message: string }[] };
      return findings.filter(({ rule }) => rule === 'NP303').map(({ message }) => message);
    };
    const reported = ['these are cluster IPs of Services; packets no longer carry them when policies apply'];
    const toServices = {
      ...policy('web'),
      metadata: { name: 'out', namespace: 'shop' },
      spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '10.96.4.0/24' } }] }] },
    };
    server.put(toServices);
    expect(await found()).toEqual([]);
    const range: ApiObject = {
      kind: 'ServiceCIDR',
      metadata: { name: 'kubernetes' },
      spec: { cidrs: ['10.96.0.0/16'] },
    };
    server.put(range);
    expect(await found()).toEqual(reported);
    server.unserved.add('/apis/networking.k8s.io/v1/servicecidrs');
    expect(await found()).toEqual(reported);
    server.forbid('ServiceCIDR');
    expect(await found()).toEqual([]);
    server.unserved.add('/apis/networking.k8s.io/v1beta1/servicecidrs');
    expect(await found()).toEqual([]);
    server.delete(toServices);
    server.delete(range);
  });

  test('lint --fix has no file to write', async () => {
    const { exitCode, stderr } = await podwall('lint', '--fix');
    expect([exitCode, stderr]).toEqual([2, 'podwall: --fix writes files: give them by -f']);
  });

  test('a server that refuses, or is not there, is exit 2 at once', async () => {
    server.forbid('Pod');
    const refused = await podwall('can', 'web.shop', 'db.shop');
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/^podwall: http.*\/api\/v1\/pods/)]);
    server.permit('Pod');
    await server.stop();
    const gone = await podwall('diff', 'live', 'next');
    expect([gone.exitCode, gone.stderr]).toEqual([2, expect.stringMatching(/^podwall: http.*ECONNREFUSED/)]);
  });
});
