/** The command line as a user meets it: the built bundle, as a process. Nothing here touches a kernel. */
import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../support/product.js';

async function withManifest(text: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-cli-'));
  try {
    await writeFile(join(folder, 'cluster.yaml'), text);
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const podwall = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, [bundle, ...args], { reject: false, env });

const pod = `apiVersion: v1
kind: Pod
metadata: { name: api, namespace: shop, labels: { app: api } }
spec: { nodeName: n1, containers: [] }
status: { podIPs: [{ ip: 10.244.1.11 }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: allow-web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: api } }
  ingress:
    - from: [{ podSelector: { matchLabels: { app: web } } }]
      ports: [{ port: 8080 }]
`;

describe('exit codes', () => {
  test('render prints a ruleset that names the policy, exit 0', () =>
    withManifest(pod, async (folder) => {
      const { exitCode, stdout } = await podwall(['render', '-f', folder, '--node', 'n1']);
      expect(exitCode).toBe(0);
      expect(stdout).toContain('table inet podwall');
      expect(stdout).toContain('shop/allow-web');
      expect(stdout).toContain('app=web');
    }));

  test('render for a node without pods: 3, and says so', () =>
    withManifest(pod, async (folder) => {
      const { exitCode, stderr } = await podwall(['render', '-f', folder, '--node', 'other']);
      expect(exitCode).toBe(3);
      expect(stderr).toContain('no pod');
    }));

  test('a manifest that is no YAML: 2, with file, line and column, and no stack', () =>
    withManifest('kind: Pod\n  bad: [indent\n', async (folder) => {
      const { exitCode, stderr } = await podwall(['render', '-f', folder, '--node', 'n1']);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/cluster\.yaml:\d+:\d+: /);
      expect(stderr).not.toMatch(/^\s+at /m);
    }));

  test('an agent on such a manifest: 2 as well', () =>
    withManifest('kind: Pod\n  bad: [indent\n', async (folder) => {
      const { exitCode, stderr } = await podwall(['agent', '--manifests', folder, '--node', 'n1']);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/cluster\.yaml:\d+:\d+: /);
    }));

  test('a directory that is not there: 2', async () => {
    const { exitCode, stderr } = await podwall(['agent', '--manifests', '/nowhere/at/all', '--node', 'n1']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('/nowhere/at/all');
  });

  test('an audit log that is no file: 2, and it stays as it was', async () => {
    const { mode } = await stat('/dev/zero');
    const { exitCode, stderr } = await podwall([
      'agent',
      '--manifests',
      '.',
      '--node',
      'n1',
      '--audit-log',
      '/dev/zero',
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--audit-log /dev/zero: it is no file');
    expect((await stat('/dev/zero')).mode).toBe(mode);
  });

  test('an unknown flag or command: 2', async () => {
    expect((await podwall(['render', '--no-such-flag'])).exitCode).toBe(2);
    expect((await podwall(['no-such-command'])).exitCode).toBe(2);
  });

  test('nft missing: 5, and the sentence says what to install', () =>
    withManifest(pod, async (folder) => {
      const state = join(folder, '.state');
      const args = ['agent', '--manifests', folder, '--node', 'n1', '--state-dir', state];
      // An empty PATH has no nft; a lock of this network namespace is all that the agent takes before it looks.
      const { exitCode, stderr } = await podwall(args, { PATH: folder });
      expect(exitCode).toBe(5);
      expect(stderr).toMatch(/nft.*install/i);
    }));
});
