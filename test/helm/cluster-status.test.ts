/** Two nodes with the rights and kinds that the chart brings: what the cluster's users see of them, and early addresses. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Disposables } from '../../src/node/disposables.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import { cniResult } from '../support/cni-result.js';
import { apiServerAddress } from '../support/kube-api-server.js';
import { kubeconfigOf } from '../support/kubeconfig.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { settle } from '../support/lab/table.js';
import { problemsOf } from '../support/schemas.js';
import { until } from '../support/until.js';
import { InstalledChart, missingForCluster } from './installed.js';
import { bundle } from '../support/product.js';

const suite = missingForCluster === undefined ? describe : describe.skip;

interface Status {
  readonly inForce: boolean;
  readonly nodes: readonly { readonly node: string; readonly inForce: boolean; readonly missing: readonly string[] }[];
}

suite(`podwall status --cluster${missingForCluster === undefined ? '' : ` [${missingForCluster}]`}`, () => {
  const resources = new Disposables();
  const agents = new Map<string, AgentProcess>();
  let lab: Lab;
  let chart: InstalledChart;
  let kubeconfig: string;

  /** Asked from outside the nodes, as a user does. */
  const status = async (args: readonly string[], user: 'admin' | 'nobody' = 'admin') => {
    const file = await chart.server.kubeconfig(user);
    const command = ['status', '--cluster', '--kubeconfig', file, ...args];
    return execa('ip', ['netns', 'exec', lab.netns('outside'), process.execPath, bundle, ...command], {
      reject: false,
    });
  };
  const statusJson = async (args: readonly string[]): Promise<Status & { readonly exitCode: number }> => {
    const { stdout, stderr, exitCode } = await status([...args, '-o', 'json']);
    if (stdout === '') throw new Error(stderr);
    expect(problemsOf('cluster-status', JSON.parse(stdout))).toEqual([]);
    return { ...(JSON.parse(stdout) as Status), exitCode: exitCode ?? -1 };
  };
  const startAgent = (name: string): void => {
    const agent = new AgentProcess({
      netns: lab.netns(name),
      node: name,
      stateDir: join(lab.folder, `state-${name}`),
      flags: {
        kubeconfig,
        'node-policy-status': 'on',
        'cluster-events': 'on',
        'denial-events': 'on',
        'audit-log': join(lab.folder, `audit-${name}`, 'audit.jsonl'),
        'cni-cache-dir': join(lab.folder, 'results'),
      },
    });
    agents.set(name, agent);
    resources.defer(() => agent.kill());
  };

  beforeAll(async () => {
    lab = resources.use(await Lab.create([labNode(1, 'ptp'), labNode(2, 'bridge')]));
    await lab.addPods([
      { namespace: 'x', name: 'client', node: 'n1', addresses: ['10.244.1.11'] },
      { namespace: 'x', name: 'early', node: 'n1', addresses: ['10.244.1.13'] },
      { namespace: 'x', name: 'server', node: 'n2', addresses: ['10.244.2.12'] },
    ]);
    lab.prober.serve(lab.netns('early.x'), 80, 'TCP');
    chart = resources.use(await InstalledChart.start(lab));
    const objects = [
      ...(['n1', 'n2'] as const).map((name) => node(name, 'IPv4')),
      namespace('x'),
      pod('client.x', { node: 'n1', addresses: ['10.244.1.11'], labels: { app: 'client' } }),
      pod('server.x', { node: 'n2', addresses: ['10.244.2.12'], labels: { app: 'server' } }),
    ];
    for (const object of objects) await chart.server.admin.create(object);
  }, 90_000);
  afterAll(() => resources[Symbol.asyncDispose](), 60_000);

  test('without the kind it says which value of the chart brings it', async () => {
    const { exitCode, stderr } = await status([]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("the chart's nodePolicyStatus.enabled")]);
  });

  test('in force everywhere once both agents have reported', async () => {
    await chart.helm('install', ['nodePolicyStatus.enabled=true']);
    kubeconfig = join(lab.folder, 'kubeconfig-podwall');
    const account = await chart.serviceAccountFolder('podwall');
    const config = kubeconfigOf({
      server: `https://${apiServerAddress}:6443`,
      user: { tokenFile: join(account, 'token') },
      authority: await readFile(join(account, 'ca.crt')),
    });
    await writeFile(kubeconfig, config);
    for (const name of ['n1', 'n2']) startAgent(name);
    await chart.server.admin.create(policy('deny.x', { podSelector: {}, policyTypes: ['Ingress'] }));
    const { exitCode, nodes } = await statusJson(['--wait', '--timeout', '30s']);
    expect([exitCode, nodes.map((one) => [one.node, one.inForce])]).toEqual([
      0,
      [
        ['n1', true],
        ['n2', true],
      ],
    ]);
    const text = await status([]);
    expect(text.stdout).toMatch(/^NODE +IN FORCE +REVISION +REPORTED +PODS +POLICIES +FAIL CLOSED$/m);
    expect(text.stdout).toContain('In force on all 2 nodes.');
    expect(await chart.kubectl(['get', 'nodepolicystatuses'])).toMatch(/^n1 +true/m);
  }, 60_000);

  test('a node whose agent is gone is behind after a change, and in force when it is back', async () => {
    await agents.get('n2')?.kill();
    const path = '/apis/networking.k8s.io/v1/namespaces/x/networkpolicies/deny';
    await chart.server.admin.call('PATCH', path, { spec: { policyTypes: ['Ingress', 'Egress'] } });
    const behind = await statusJson(['--for', 'policy/x/deny', '--wait', '--timeout', '3s']);
    expect([behind.exitCode, behind.nodes.map((one) => one.missing)]).toEqual([
      1,
      [[], ['x/deny: generation 1 is enforced, 2 is desired']],
    ]);
    startAgent('n2');
    expect(await statusJson(['--for', 'policy/x/deny', '--wait'])).toMatchObject({ exitCode: 0, inForce: true });
  }, 60_000);

  test('a node that is registered anew owns its status', async () => {
    const owner = (): Promise<string> => {
      const path = ['get', 'nodepolicystatus', 'n2', '-o', 'jsonpath={.metadata.ownerReferences[*].uid}'];
      return chart.kubectl(path);
    };
    const uid = (): Promise<string> => chart.kubectl(['get', 'node', 'n2', '-o', 'jsonpath={.metadata.uid}']);
    const before = await uid();
    expect(await owner()).toBe(before);
    await chart.server.admin.delete(node('n2', 'IPv4'));
    await chart.server.admin.create(node('n2', 'IPv4'));
    expect(await uid()).not.toBe(before);
    await until(async () => (await owner()) === (await uid()), 40_000);
  }, 60_000);

  test('a pod that no node can enforce is behind, and why is reported to its owner', async () => {
    await chart.server.admin.create(
      pod('ghost.x', { node: 'n1', addresses: ['203.0.113.9'], labels: { app: 'ghost' } }),
    );
    await until(
      async () => (await chart.kubectl(['describe', 'pod', 'ghost', '-n', 'x'])).includes('NotEnforced'),
      40_000,
    );
    const { exitCode, nodes } = await statusJson([]);
    expect([exitCode, nodes[0]?.missing]).toEqual([1, ['x/deny: enforced on 1 of 2 pods']]);
    const events = await chart.kubectl(['get', 'events', '-n', 'x', '-o', 'json']);
    expect(JSON.parse(events)).toMatchObject({
      items: [{ involvedObject: { name: 'ghost' }, reason: 'NotEnforced', count: 1 }],
    });
  }, 90_000);

  test('a pod is enforced when CNI has attached it, before its status has an address', async () => {
    const becomes = async (expected: 'allowed' | 'blocked'): Promise<void> => {
      const cell = { from: lab.netns('client.x'), to: '10.244.1.13', port: 80, protocol: 'TCP', expected } as const;
      expect((await settle(lab.prober, [cell], { within: 10_000, timeout: 250 })).wrong).toEqual([]);
    };
    await chart.kubectl(['delete', 'networkpolicy', 'deny', '-n', 'x']);
    await chart.server.admin.create(
      policy('early.x', { podSelector: { matchLabels: { app: 'early' } }, policyTypes: ['Ingress'] }),
    );
    const { metadata, spec } = pod('early.x', { node: 'n1', addresses: [], labels: { app: 'early' } });
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, uid: undefined }, spec };
    const created = await chart.server.admin.call('POST', '/api/v1/namespaces/x/pods', object);
    const { uid } = (created as { metadata: { uid: string } }).metadata;
    await becomes('allowed');
    await mkdir(join(lab.folder, 'results'), { recursive: true });
    await writeFile(join(lab.folder, 'results', 'podnet-0a1b-eth0'), cniResult({ uid, addresses: ['10.244.1.13/24'] }));
    await becomes('blocked');
    const described = () => chart.kubectl(['describe', 'pod', 'early', '-n', 'x']);
    await until(async () => (await described()).includes('NetworkPolicyDenied'), 30_000);
    expect(await described()).toMatch(
      /ingress denied by x\/early; the last from x\/client \(10\.244\.1\.11\), port 80/,
    );
  }, 90_000);

  test('bad questions and a server that says no are exit 2', async () => {
    const absent = await status(['--for', 'policy/x/absent']);
    expect([absent.exitCode, absent.stderr]).toEqual([2, 'podwall: there is no NetworkPolicy x/absent']);
    const forbidden = await status([], 'nobody');
    expect([forbidden.exitCode, forbidden.stderr]).toEqual([
      2,
      expect.stringContaining('cannot list resource "nodepolicystatuses"'),
    ]);
    const wrong = await status(['--for', 'deny']);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('must be policy/NAMESPACE/NAME')]);
  }, 30_000);
});
