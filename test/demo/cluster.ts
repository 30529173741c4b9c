/**
 * `npm run demo:cluster`: the chart in a cluster with a real API server. Kubelets and controllers are played: pods are
 * network namespaces, and what the DaemonSet says is run on each node from the image's own files.
 */
import { execa } from 'execa';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import picocolors from 'picocolors';
import { Disposables } from '../../src/node/disposables.js';
import { namespace, node, pod } from '../cases/objects.js';
import { launchOf, type Host } from '../helm/container.js';
import { readContainerfile } from '../build/image/containerfile.js';
import { assembleTree, missingForTree } from '../build/image/image-tree.js';
import { InstalledChart, missingForCluster } from '../helm/installed.js';
import { apiServerAddress } from '../support/kube-api-server.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import type { Outcome } from '../support/lab/prober.js';
import { claim, runDemo, say, step } from './claims.js';
import { bundle } from '../support/product.js';

const { dim, bold } = picocolors;
const nodes = ['n1', 'n2'] as const;
const addresses = { web: '10.244.1.11', db: '10.244.2.12' } as const;
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

const defaultDeny = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
`;
const webToDb = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-to-db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
`;

const command = (text: string): void => say(`   ${bold(`$ ${text}`)}`);
const output = (text: string): void => say(dim(text.trimEnd().replace(/^/gm, '   ')));

async function show(lab: Lab): Promise<void> {
  await using resources = new Disposables();
  step(1, 'A real API server, and two nodes with a pod each');
  await lab.addPods([
    { namespace: 'shop', name: 'web', node: 'n1', addresses: [addresses.web] },
    { namespace: 'shop', name: 'db', node: 'n2', addresses: [addresses.db] },
  ]);
  lab.prober.serve(lab.netns('db.shop'), 5432, 'TCP');
  const chart = resources.use(await InstalledChart.start(lab));
  const objects = [
    ...nodes.map((name) => node(name, 'IPv4')),
    namespace('shop'),
    pod('web.shop', { node: 'n1', addresses: [addresses.web], labels: { app: 'web' } }),
    pod('db.shop', { node: 'n2', addresses: [addresses.db], labels: { app: 'db' } }),
  ];
  for (const object of objects) await chart.server.admin.create(object);
  const { kubectl, status, reach } = asAUser(lab, chart);
  await kubectl(['get', 'pods', '-n', 'shop', '-o', 'wide', '--no-headers']);
  claim('web.shop reaches db.shop on TCP 5432', (await reach()) === 'allowed');

  step(2, 'The chart is installed, and each node runs what the DaemonSet says');
  command('helm install podwall helm/podwall --namespace kube-system --set nodePolicyStatus.enabled=true');
  output(await chart.helm('install', ['nodePolicyStatus.enabled=true']));
  const hosts = await hostsOf(lab, chart);
  const agents = await startAgents(lab, chart, hosts, resources);

  step(3, 'Default deny');
  await kubectl(['apply', '-f', '-'], defaultDeny);
  claim('it is in force on every node that has pods of it', (await status('policy/shop/default-deny')) === 0);
  claim('web.shop no longer reaches db.shop', (await reach()) === 'blocked');

  step(4, 'What the application needs');
  await kubectl(['apply', '-f', '-'], webToDb);
  claim('it is in force', (await status('policy/shop/web-to-db')) === 0);
  claim('web.shop reaches db.shop on TCP 5432 again', (await reach()) === 'allowed');

  step(5, 'Taken away');
  command('helm upgrade podwall helm/podwall --namespace kube-system --set uninstall=true');
  await chart.helm('upgrade', ['uninstall=true']);
  const { spec } = (await chart.daemonSet()).spec.template;
  const [uninstall] = spec.initContainers ?? [];
  if (uninstall === undefined) throw new Error('the chart has no container that removes the rules');
  for (const [index, host] of hosts.entries()) {
    await agents[index]?.stop();
    await execa('ip', ['netns', 'exec', lab.netns(nodes[index] ?? ''), ...(await launchOf(host, spec, uninstall))]);
  }
  command('helm uninstall podwall --namespace kube-system');
  output(await chart.helm('uninstall'));
  const left = await Promise.all(nodes.map(async (name) => (await lab.run(name, 'nft', 'list', 'tables')).stdout));
  claim('no rule is left on any node', left.join('') === '');
}

/** What a user of the cluster does from outside its nodes. */
function asAUser(lab: Lab, chart: InstalledChart) {
  return {
    kubectl: async (args: readonly string[], input?: string): Promise<void> => {
      command(`kubectl ${args.join(' ')}${input === undefined ? '' : ' <<EOF'}`);
      if (input !== undefined) output(`${input}EOF`);
      output(await chart.kubectl(args, input));
    },
    /** @returns the exit code */
    status: async (policy: string): Promise<number | undefined> => {
      const args = ['status', '--cluster', '--wait', `--for=${policy}`, '--timeout', '30s'];
      command(`podwall ${args.join(' ')}`);
      const place = ['netns', 'exec', lab.netns('outside'), process.execPath, bundle];
      const kubeconfig = ['--kubeconfig', await chart.server.kubeconfig('admin')];
      const { all, exitCode } = await execa('ip', [...place, ...args, ...kubeconfig], { reject: false, all: true });
      output(all);
      return exitCode;
    },
    reach: async (): Promise<Outcome | undefined> => {
      const probe = { from: lab.netns('web.shop'), to: addresses.db, port: 5432, protocol: 'TCP' } as const;
      return (await lab.prober.probe([probe]))[0];
    },
  };
}

/** Each node with the image's files and folders of its own. */
async function hostsOf(lab: Lab, chart: InstalledChart): Promise<readonly Host[]> {
  const image = await readContainerfile();
  const account = await chart.serviceAccountFolder('podwall');
  return Promise.all(
    nodes.map(async (name, index): Promise<Host> => {
      const folder = (part: string): string => join(lab.folder, name, part);
      for (const part of ['image', 'state', 'results', 'audit']) await mkdir(folder(part), { recursive: true });
      await assembleTree(image, folder('image'));
      return {
        image,
        tree: folder('image'),
        folders: {
          '/run/podwall': folder('state'),
          '/var/lib/cni/results': folder('results'),
          '/var/log/podwall': folder('audit'),
          [accountFolder]: account,
        },
        fields: { 'spec.nodeName': name, 'status.hostIP': `172.30.0.${index + 1}` },
        environment: { KUBERNETES_SERVICE_HOST: apiServerAddress, KUBERNETES_SERVICE_PORT: '6443' },
      };
    }),
  );
}

async function startAgents(
  lab: Lab,
  chart: InstalledChart,
  hosts: readonly Host[],
  resources: Disposables,
): Promise<readonly AgentProcess[]> {
  const { spec } = (await chart.daemonSet()).spec.template;
  const [container] = spec.containers;
  if (container === undefined) throw new Error('the DaemonSet has no container');
  return Promise.all(
    hosts.map(async (host, index) => {
      const name = nodes[index] ?? '';
      const launch = await launchOf(host, spec, container);
      const agent = new AgentProcess({ netns: lab.netns(name), node: name, stateDir: '', flags: {}, launch });
      resources.defer(() => agent.kill());
      await agent.applied(0, 30_000);
      return agent;
    }),
  );
}

const missing = missingForCluster ?? missingForTree;
if (missing === undefined)
  process.exitCode = await runDemo(
    () => Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]),
    show,
    'The chart was installed into a real API server, its DaemonSet enforced what was written there, and nothing of it is left.',
  );
else {
  console.error(`The demo of a whole cluster cannot run here: ${missing}`);
  process.exitCode = 5;
}
