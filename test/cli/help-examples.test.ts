/** Every example of every --help, run as it is written: by a shell, among manifests, a log, and an API server. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { recordedMinute } from '../audit/recorded-log.js';
import { FakeApiServer, type ApiObject } from '../support/fake-api-server.js';
import { bundle } from '../support/product.js';

jest.setTimeout(60_000);

const root = resolve(import.meta.dirname, '../..');

const helpOf = (...command: readonly string[]): string =>
  execFileSync(process.execPath, [bundle, ...command, '--help'], { encoding: 'utf8' });
const commandsIn = (help: string): readonly string[] =>
  [...(help.split('\nExamples:')[0] ?? '').matchAll(/^ {2}([a-z]+) /gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
const commands: readonly (readonly string[])[] = [
  [],
  ...commandsIn(helpOf()).flatMap((name) =>
    name === 'audit' ? commandsIn(helpOf('audit')).map((inner) => ['audit', inner]) : [[name]],
  ),
];

/** What to type, without what is said about it behind three spaces. */
const examplesOf = (command: readonly string[]): readonly string[] => {
  const [, section = ''] = /^Examples:\n((?: {2}.*\n?)+)/m.exec(helpOf(...command)) ?? [];
  const lines = section.split('\n').map((line) => line.trim().split(/ {3,}/)[0] ?? '');
  return lines.filter((line) => line.includes('podwall'));
};
const examples = commands.map((command) => [command.join(' '), examplesOf(command)] as const);

const workload = (kind: string, name: string, namespace: string, ports: readonly object[]): ApiObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace },
  spec: { template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', ports }] } } },
});
const service = (name: string, namespace: string, app: string, port: object): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { selector: { app }, ports: [port] },
});
const policy = (name: string, app: string, from: string, port: number): ApiObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: from } } }], ports: [{ port, protocol: 'TCP' }] }],
  },
});
const shop: readonly ApiObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  workload('Deployment', 'web', 'shop', [{ name: 'https', containerPort: 443 }]),
  workload('Deployment', 'api', 'shop', [{ name: 'http', containerPort: 8080 }]),
  workload('Deployment', 'db', 'shop', [{ name: 'pg', containerPort: 5432 }]),
  service('api', 'shop', 'api', { port: 80, targetPort: 8080 }),
  workload('Deployment', 'coredns', 'kube-system', [{ name: 'dns', containerPort: 53, protocol: 'UDP' }]),
  service('dns', 'kube-system', 'coredns', { port: 53, protocol: 'UDP' }),
  policy('allow-web', 'db', 'web', 5432),
];
const manifest = (objects: readonly ApiObject[]): string => objects.map((one) => stringify(one)).join('---\n');

const isRoot = process.getuid?.() === 0;
/** These ask or change the kernel of the network namespace that they run in. */
const isOfNode = (example: string): boolean => /podwall (agent|uninstall|audit coverage|status$)|nft /.test(example);

describe('the examples of --help', () => {
  let folder: string;
  let server: FakeApiServer;
  const inFolder = (...parts: readonly string[]): string => join(folder, ...parts);
  const program = async (name: string, text: string): Promise<void> => {
    await writeFile(inFolder('bin', name), text);
    await chmod(inFolder('bin', name), 0o755);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-examples-'));
    for (const name of ['manifests', 'cluster', 'app', 'old', 'new']) {
      await mkdir(inFolder(name));
      await writeFile(inFolder(name, 'shop.yaml'), manifest(shop));
    }
    await writeFile(inFolder('new', 'more.yaml'), manifest([policy('allow-api', 'db', 'api', 5432)]));
    await writeFile(
      inFolder('expected.yaml'),
      'apiVersion: podwall.dev/v1alpha1\nkind: Assertions\nspec: {expect: [{from: web.shop, to: db.shop, port: 5432, allowed: true}]}\n',
    );
    await symlink(join(root, 'policies-examples'), inFolder('policies-examples'));
    for (const name of ['bin', 'empty', 'log', 'nodes/n1', 'functions', '.config/fish/completions', '.kube'])
      await mkdir(inFolder(name), { recursive: true });
    await symlink(bundle, inFolder('bin', 'podwall'));
    // A chart is what `helm template` prints.
    await program('helm', '#!/bin/sh\n[ "$1" = template ] && cat old/*.yaml\n');
    await recordedMinute(inFolder('log'));
    await cp(inFolder('log', 'audit.jsonl'), inFolder('nodes/n1/audit.jsonl'));
    await execa('gzip', ['-c', inFolder('log', 'audit.jsonl')], { stdout: { file: inFolder('old.gz') } });
    server = await FakeApiServer.start();
    server.put(
      ...shop.filter(({ kind }) => kind === 'Namespace' || kind === 'NetworkPolicy'),
      ...['web', 'db'].map((name) => ({
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', labels: { app: name } } },
        spec: { containers: [{ name: 'main' }] },
      })),
    );
    await writeFile(inFolder('.kube', 'config'), server.kubeconfig.replaceAll('"test"', '"production"'));
    const git = (...args: readonly string[]) =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder });
    await git('init', '--quiet', '--initial-branch', 'main');
    await git('add', 'manifests');
    await git('commit', '--quiet', '-m', 'policies');
    await git('checkout', '--quiet', '-b', 'change');
    await writeFile(inFolder('manifests', 'more.yaml'), manifest([policy('allow-api', 'db', 'api', 5432)]));
    await git('add', 'manifests');
    await git('commit', '--quiet', '-m', 'more');
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** What is of a node is run in a network namespace of its own. The log is where the agent writes it, and /run is empty, in a mount namespace of this command's own. */
  const within = (example: string): readonly string[] => {
    const mounts = `mount -t tmpfs none /run && mount -t tmpfs none /var/log && cp -r ${inFolder('log')} /var/log/podwall`;
    const line = `fpath=(${inFolder('functions')}); { ${example}; } <&0`;
    if (!isRoot) return ['bash', '-c', line];
    return ['unshare', '--mount', ...(isOfNode(example) ? ['--net'] : []), 'bash', '-c', `${mounts} && ${line}`];
  };
  const run = (example: string) => {
    // What follows, or stays, is ended as a user ends it.
    const stays = /podwall agent|podwall audit show -f/.test(example);
    const command = stays ? example.replace('podwall', 'timeout --signal=INT 4 podwall') : example;
    const [file = '', ...args] = within(command);
    const env = { PATH: `${inFolder('bin')}${delimiter}${process.env['PATH'] ?? ''}`, HOME: folder };
    return execa(file, args, { cwd: folder, env, reject: false, timeout: 50_000, input: '' });
  };

  test('every command has some', () => {
    expect(examples.filter(([, own]) => own.length === 0).map(([command]) => command)).toEqual([]);
    expect(examples.flatMap(([, own]) => own).length).toBeGreaterThan(50);
  });

  const rows = examples.flatMap(([, own]) => own);
  const needsRoot = (example: string): boolean => isOfNode(example) || /^podwall audit/.test(example);
  test.each(rows.filter((one) => isRoot || !needsRoot(one)))('%s', async (example) => {
    const { exitCode = -1, stdout, stderr } = await run(example);
    // 1 is an answer: no. 3: the log has no such record. 124: what stays was ended by the clock.
    const expected = example.includes('audit explain') ? [0, 1, 3] : example.includes('timeout') ? [0] : [0, 1, 3, 124];
    expect([example, expected.includes(exitCode), exitCode, stderr]).toEqual([example, true, exitCode, stderr]);
    expect(stderr).not.toMatch(/^\s+at |^error:|^usage/im);
    const isQuiet = />|-o \w+=|completion|--fix|audit (show|explain|coverage)|agent|nft/.test(example);
    expect([example, isQuiet || stdout !== '']).toEqual([example, true]);
  });
  if (!isRoot) test.skip('those of a node and of its log [not root]', () => undefined);
});
