/**
 * The image's own files, run as the installed DaemonSet says on a node of the lab: its arguments, environment, mounts,
 * user and capabilities, its service account's rights, and nothing else.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Disposables } from '../../src/node/disposables.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import { apiServerAddress } from '../support/kube-api-server.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { until } from '../support/until.js';
import { settle } from '../support/lab/table.js';
import { objectsOf, template } from './chart.js';
import { launchOf, type Host } from './container.js';
import { readContainerfile, type Image } from '../build/image/containerfile.js';
import type { Container, Pod, PodSpec } from './daemon-set.js';
import { missingProfile } from '../build/image/seccomp-filter.js';
import { InstalledChart, missingForCluster } from './installed.js';

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How the image's root file system is come by. */
export interface ImageSource {
  /** Fills an empty folder, or names another one that is the test's own. @returns the root */
  readonly root: (image: Image, folder: string) => Promise<string>;
  /** Why that cannot be done here, in a sentence. */
  readonly missing: string | undefined;
  /** Milliseconds that it takes at most. */
  readonly within: number;
}

export function runsAsTheChartSays(title: string, source: ImageSource): void {
  const reason = missingForCluster ?? source.missing;
  if (reason === undefined) describe(title, () => suite(source));
  else describe.skip(`${title} [${reason}]`, () => test('needs the image', () => undefined));
}

function suite(source: ImageSource): void {
  const resources = new Disposables();
  let lab: Lab;
  let chart: InstalledChart;
  let host: Host;
  let agent: AgentProcess;

  const run = async (where: string, spec: PodSpec, container: Container | undefined) => {
    if (container === undefined) throw new Error('no such container');
    const launch = await launchOf(host, spec, container);
    return execa('ip', ['netns', 'exec', lab.netns(where), ...launch], { reject: false });
  };
  const startAgent = async (): Promise<void> => {
    const { spec } = (await chart.daemonSet()).spec.template;
    const [container] = spec.containers;
    if (container === undefined) throw new Error('the DaemonSet has no container');
    agent = new AgentProcess({
      netns: lab.netns('n1'),
      node: 'n1',
      stateDir: join(lab.folder, 'state-n1'),
      flags: {},
      launch: await launchOf(host, spec, container),
    });
    resources.defer(() => agent.kill());
    await agent.applied(0, 30_000);
  };
  const becomes = async (expected: 'allowed' | 'blocked'): Promise<void> => {
    const cell = { from: lab.netns('client.x'), to: '10.244.1.12', port: 80, protocol: 'TCP', expected } as const;
    const { wrong } = await settle(lab.prober, [cell], { within: 10_000, timeout: 250 });
    expect(wrong).toEqual([]);
  };
  const testPod = async (): Promise<Pod> => {
    const pod = objectsOf(await template([])).find(({ kind }) => kind === 'Pod');
    if (pod === undefined) throw new Error('the chart has no test');
    return pod as Pod;
  };
  const tables = async (): Promise<string> => (await lab.run('n1', 'nft', 'list', 'tables')).stdout;

  beforeAll(async () => {
    lab = resources.use(await Lab.create([labNode(1, 'bridge')]));
    await lab.addPods([
      { namespace: 'x', name: 'client', node: 'n1', addresses: ['10.244.1.11'] },
      { namespace: 'x', name: 'server', node: 'n1', addresses: ['10.244.1.12'] },
    ]);
    lab.prober.serve(lab.netns('server.x'), 80, 'TCP');
    chart = resources.use(await InstalledChart.start(lab));
    await chart.helm('install');
    const image = await readContainerfile();
    const folder = join(lab.folder, 'image');
    await mkdir(folder);
    const tree = await source.root(image, folder);
    for (const name of ['state-n1', 'cni-results', 'audit']) await mkdir(join(lab.folder, name));
    host = {
      image,
      tree,
      folders: {
        '/run/podwall': join(lab.folder, 'state-n1'),
        '/var/lib/cni/results': join(lab.folder, 'cni-results'),
        '/var/log/podwall': join(lab.folder, 'audit'),
        [accountFolder]: await chart.serviceAccountFolder('podwall'),
      },
      fields: { 'spec.nodeName': 'n1', 'status.hostIP': '172.30.0.1' },
      environment: { KUBERNETES_SERVICE_HOST: apiServerAddress, KUBERNETES_SERVICE_PORT: '6443' },
    };
    const objects = [
      node('n1', 'IPv4'),
      namespace('x'),
      pod('client.x', { node: 'n1', addresses: ['10.244.1.11'], labels: { app: 'client' } }),
      pod('server.x', { node: 'n1', addresses: ['10.244.1.12'], labels: { app: 'server' } }),
    ];
    for (const object of objects) await chart.server.admin.create(object);
    await startAgent();
  }, 120_000 + source.within);
  afterAll(() => resources[Symbol.asyncDispose](), 60_000);

  test('the process has NET_ADMIN and nothing else, and can gain nothing', async () => {
    const status = await readFile(`/proc/${agent.pid}/status`, 'utf8');
    const netAdmin = (1n << 12n).toString(16).padStart(16, '0');
    const none = ''.padStart(16, '0');
    const lines = [...status.matchAll(/^(Cap\w+|NoNewPrivs|Uid):\s+(\S+)/gm)];
    const sets = Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]));
    expect(sets).toEqual({
      Uid: '0',
      NoNewPrivs: '1',
      CapInh: none,
      CapPrm: netAdmin,
      CapEff: netAdmin,
      CapBnd: netAdmin,
      CapAmb: none,
    });
  });

  const filtered = missingProfile === undefined ? test : test.skip;
  filtered(
    `it runs under the seccomp profile of a container runtime${missingProfile === undefined ? '' : ` [${missingProfile}]`}`,
    async () => {
      const children = async (): Promise<readonly string[]> =>
        (await readFile(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8')).trim().split(' ');
      await until(async () => (await children()).length > 1, 10_000);
      // A child that only lists something may have ended meanwhile.
      const statuses = [String(agent.pid), ...(await children())].map((pid) =>
        readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined),
      );
      const filtered = (await Promise.all(statuses)).filter((status) => status !== undefined);
      expect(filtered.length).toBeGreaterThan(1);
      for (const status of filtered) expect(status).toMatch(/^Seccomp:\t2$/m);
      // Another personality is refused by nothing else.
      const code = `require('/opt/podwall/node_modules/koffi').load('libc.so.6').func('int personality(ulong to)')(0x40000)`;
      const { spec } = (await chart.daemonSet()).spec.template;
      const [container] = spec.containers;
      const command = ['node', '--print', code];
      expect(await run('n1', spec, container && { ...container, command, args: [] })).toMatchObject({ stdout: '-1' });
    },
  );

  test('its root is read-only, and so are its sysctls', async () => {
    const mounts = (await readFile(`/proc/${agent.pid}/mountinfo`, 'utf8')).split('\n').map((line) => line.split(' '));
    const optionsOf = (point: string) => mounts.filter((mount) => mount[4] === point).at(-1)?.[5];
    expect(optionsOf('/')).toMatch(/^ro\b/);
    expect(optionsOf('/proc/sys')).toMatch(/^ro\b/);
    expect(optionsOf('/run/podwall')).toMatch(/^rw\b/);
  });

  test('it enforces what is written to the API server, with the rights of its service account, and records what it denied', async () => {
    await becomes('allowed');
    await chart.server.admin.create(
      policy('deny.x', { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'] }),
    );
    await becomes('blocked');
    const records = join(lab.folder, 'audit', 'audit.jsonl');
    await until(async () => (await readFile(records, 'utf8')).includes('"podwall.policies.isolating":["x/deny"]'));
    await chart.kubectl(['delete', 'networkpolicy', 'deny', '--namespace', 'x']);
    await becomes('allowed');
  }, 60_000);

  test("the image's health check, both probes and the pod of `helm test` say yes; without an agent, no", async () => {
    const { spec } = (await chart.daemonSet()).spec.template;
    const test = (await testPod()).spec;
    const [container] = spec.containers;
    const check = container && { ...container, command: host.image.healthCheck, args: [] };
    /** As a kubelet asks: by the port's name, at the pod's address, which is the host's. */
    const probe = async (kind: 'readinessProbe' | 'livenessProbe'): Promise<number> => {
      const { path, port } = container?.[kind]?.httpGet ?? {};
      const number = container?.ports?.find(({ name }) => name === port)?.containerPort;
      const script = `fetch('http://172.30.0.1:${number}${path}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
      return (
        (await execa('ip', ['netns', 'exec', lab.netns('n1'), process.execPath, '-e', script], { reject: false }))
          .exitCode ?? -1
      );
    };
    const answers = async () => [
      (await run('n1', spec, check)).exitCode,
      await probe('readinessProbe'),
      await probe('livenessProbe'),
      (await run('n1', test, test.containers[0])).exitCode,
    ];
    expect(await answers()).toEqual([0, 0, 0, 0]);
    await agent.kill();
    expect(await answers()).toEqual([1, 1, 1, 1]);
    await startAgent();
  }, 60_000);

  test('SIGTERM leaves the rules', async () => {
    expect(await agent.stop()).toBe(0);
    expect(await tables()).toContain('table inet podwall');
  }, 30_000);

  test('with ensure it sets bridge netfilter itself', async () => {
    const setting = 'net.bridge.bridge-nf-call-iptables';
    await lab.run('n1', 'sysctl', '-qw', `${setting}=0`);
    await chart.helm('upgrade', ['agent.bridgeNetfilter=ensure']);
    await startAgent();
    await until(async () => (await lab.run('n1', 'sysctl', '-n', setting)).stdout === '1');
  }, 60_000);

  test('uninstall=true removes the rules from the node; then `helm uninstall` leaves nothing in the cluster', async () => {
    await chart.helm('upgrade', ['uninstall=true']);
    const { spec } = (await chart.daemonSet()).spec.template;
    // The DaemonSet controller ends the old pod before the new one starts.
    await agent.stop();
    expect(await run('n1', spec, spec.initContainers?.[0])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await tables()).toBe('');
    await chart.helm('uninstall');
    const kinds = 'daemonset,serviceaccount,configmap,pod,service,clusterrole,clusterrolebinding';
    const selector = ['--all-namespaces', '--selector', 'app.kubernetes.io/instance=podwall'];
    expect(await chart.kubectl(['get', kinds, ...selector, '--output', 'name'])).toBe('');
  }, 60_000);
}
