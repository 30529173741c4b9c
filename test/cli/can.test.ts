/** Ends, Services, nodes, the internet and what is not known, as `can` and the filters of `reach` take them. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../support/product.js';

jest.setTimeout(30_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-can-'));
  await writeFile(join(folder, 'cluster.yaml'), objects);
});
afterAll(() => rm(folder, { recursive: true }));
const podwall = (...args: readonly string[]) =>
  execa(process.execPath, [bundle, ...args, '-f', folder], { reject: false });

const pod = (name: string, node: string, status: string, more = ''): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, ${more} }
spec: { nodeName: ${node}, containers: [{ name: c, ports: [{ name: http, containerPort: 8080 }] }] }
status: ${status}`;
const ofWeb = `labels: { app: web, pod-template-hash: 5d4fb }, ownerReferences: [{ kind: ReplicaSet, name: web-5d4fb, controller: true }]`;
const objects = [
  `apiVersion: v1
kind: Node
metadata: { name: n1 }
status: { addresses: [{ type: InternalIP, address: 172.30.0.1 }] }`,
  `apiVersion: v1
kind: Pod
metadata: { name: agent-1, ownerReferences: [{ kind: DaemonSet, name: agent, controller: true }] }
spec: { hostNetwork: true, nodeName: n1, containers: [{ name: c }] }
status: { podIP: 172.30.0.1, phase: Running }`,
  pod('web-5d4fb-x1', 'n1', '{ phase: Running, podIPs: [{ ip: 10.244.1.5 }] }', ofWeb),
  pod('web-5d4fb-x2', 'n2', '{ phase: Running, hostIP: 172.30.0.2, podIPs: [{ ip: 10.244.2.5 }] }', ofWeb),
  `apiVersion: v1
kind: Pod
metadata: { name: node-local-dns-1, namespace: kube-system, labels: { k8s-app: node-local-dns } }
spec: { hostNetwork: true, nodeName: n2, containers: [{ name: c }] }
status: { podIP: 172.30.0.2, phase: Running }`,
  pod('client', 'n2', '{ phase: Running, podIPs: [{ ip: 10.244.2.9 }] }', 'labels: { app: client }'),
  pod('done', 'n2', '{ phase: Succeeded, podIPs: [{ ip: 10.244.2.9 }] }', 'labels: { app: done }'),
  `apiVersion: apps/v1
kind: Deployment
metadata: { name: client }
spec: { template: { metadata: { labels: { app: other } }, spec: { containers: [{ name: c }] } } }`,
  `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }`,
  `apiVersion: v1
kind: Service
metadata: { name: two }
spec: { selector: { app: web }, ports: [{ name: a, port: 80, targetPort: http }, { name: b, port: 81, targetPort: 9 }] }`,
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress:
    - from: [{ podSelector: { matchLabels: { app: client } } }]
      ports: [{ port: http }]
    - from: [{ namespaceSelector: { matchLabels: { team: x } } }]
    - from: [{ ipBlock: { cidr: 203.0.113.0/24 } }]`,
].join('\n---\n');

describe('can', () => {
  test.each([
    ['a Service stands for its pods and target port', ['pod/client', 'svc/web.default:80'], 0, 'on TCP 8080'],
    ['its only port need not be named', ['pod/client', 'svc/web'], 0, 'on TCP 8080'],
    ['a port that it does not have', ['pod/client', 'svc/web', '81'], 2, 'has no TCP port 81; it has: 80'],
    ['each port of a Service, where none is named', ['pod/client', 'svc/two'], 1, 'may not reach'],
    ['and the ports that are allowed', ['pod/client', 'svc/two'], 1, 'but default/Pod/client may reach'],
    ['two ends that no policy selects', ['192.0.2.1', '192.0.2.2'], 0, 'policies select neither'],
    [
      'what every object has by nature is nobody’s name',
      ['constructor', '__proto__'],
      2,
      'no endpoint is called constructor',
    ],
    ['nor a counterpart', ['web', 'web', '--assume', 'constructor'], 2, '--assume constructor: there are kube-dns'],
    ['a pod by its address', ['10.244.2.9', '10.244.1.5', 'http'], 0, 'default/Pod/client may reach'],
    ['a finished pod leaves its address to a live one', ['10.244.2.9', '10.244.1.5', '8080'], 0, 'default/Pod/client'],
    ['a pod by its name', ['web-5d4fb-x1', '10.244.2.5', '8080'], 1, '(pod web-5d4fb-x1) may not reach'],
    ['twice the same workload: two of its pods', ['deploy/web', 'deploy/web', '8080'], 1, 'isolated by default/web'],
    ['a pod to itself', ['10.244.1.5', '10.244.1.5', '9'], 0, 'a pod may always reach itself'],
    ['an ambiguous name', ['client', 'web'], 2, 'ambiguous: default/Deployment/client, default/Pod/client'],
    ['a port name that nobody has', ['pod/client', 'web', 'grpc'], 2, 'web has no TCP port named grpc'],
    ['any address of the internet is enough', ['internet', 'web', '443'], 0, 'yes: 203.0.113.0-203.0.113.255 may'],
    ['with --all it is not', ['internet', 'web', '443', '--all'], 1, 'but 203.0.113.0-203.0.113.255 may'],
    ['a range as reach prints it', ['203.0.113.0-203.0.113.255', 'web'], 0, 'on all ports'],
    [
      'the own node, for the pods on it',
      ['172.30.0.1', 'web', '8080'],
      0,
      "its own node may always reach each other (so may the kubelet's probes)",
    ],
    [
      'a node that only its pods name',
      ['172.30.0.2', 'web-5d4fb-x2', '8080'],
      0,
      'yes: 172.30.0.2 (node n2) may reach',
    ],
    [
      'a cache of DNS on the own node',
      ['169.254.20.10', 'web-5d4fb-x2', '8080'],
      0,
      'yes: 169.254.20.10 (node-local DNS) may reach',
    ],
    ['and on no other', ['169.254.20.10', 'web-5d4fb-x1', '8080'], 1, 'no: 169.254.20.10 (node-local DNS) may not'],
    [
      'a pod on the host network is its node',
      ['ds/agent', 'web', '8080'],
      0,
      'on the host network: 172.30.0.1, node n1',
    ],
    [
      'a namespace before a slash',
      ['default/client-x', 'default/web', '8080'],
      2,
      'no endpoint is called default/client-x',
    ],
    ['labels', ['default/app=client', 'default/app=web', '8080'], 0, 'default/Pod/client may reach'],
    ['labels of several workloads', ['default/app', 'web', '8080'], 2, 'no endpoint is called default/app'],
    ['several workloads, of which one may', ['default/app!=web,app', 'web', '8080'], 1, 'but default/Pod/client may'],
    ['what audit show prints', ['default/Deployment/web:58130', '203.0.113.1:443'], 0, 'on TCP 443'],
    ['the port of a source is ignored', ['pod/client:58130', 'deploy/web:8080'], 0, 'on TCP 8080'],
    ['a Service by its DNS name', ['pod/client', 'web.default.svc.cluster.local'], 0, 'on TCP 8080'],
    ['and by a shorter one, with its port', ['pod/client', 'web.default.svc:80'], 0, 'on TCP 8080'],
    ['a Service by its name alone', ['pod/client', 'two:80'], 0, 'on TCP 8080'],
    ['the same port twice', ['pod/client', 'deploy/web:8080', 'http'], 0, 'on TCP 8080'],
    ['two different ports', ['pod/client', 'deploy/web:8080', '81'], 2, 'port 81 is asked for: give one of them'],
    ['a node by its name', ['node/n1', 'web-5d4fb-x1', '8080'], 0, 'its own node may always reach'],
    ['a node that is not there', ['node/n9', 'web', '8080'], 2, 'the input has no node of this name'],
    ['a DNS name', ['web', 'dns/example.com', '443'], 2, 'not answered for DNS names yet'],
    ['what looks like one', ['web', 'api.example.com', '443'], 2, 'a name of DNS is written dns/api.example.com'],
    ['the nearest name', ['clint', 'web', '8080'], 2, 'called clint; the nearest: default/Deployment/client'],
    [
      'the name in another namespace',
      ['web.shop', 'web', '8080'],
      2,
      'called web.shop; the nearest: default/Deployment/web',
    ],
    ['nothing where nothing is near', ['zzzzzzz', 'web', '8080'], 2, /called zzzzzzz$/],
  ])('%s', async (_, args, code, text) => {
    const { stdout, stderr, exitCode } = await podwall('can', ...args);
    const expected = typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text);
    expect([exitCode, stdout + stderr]).toEqual([code, expected]);
  });

  test('the pods of other nodes are named as exceptions', async () => {
    const { stdout } = await podwall('can', '172.30.0.1', 'web', '8080');
    expect(stdout).toMatch(/yes: .*web-5d4fb-x1.*\n {2}but .*may not reach .*web-5d4fb-x2/);
  });

  test('an answer that rests on unknown labels of a namespace says so, another does not', async () => {
    expect((await podwall('can', 'web', 'web', '8080')).stdout).toContain('warning: only the name is known of default');
    expect((await podwall('can', 'pod/client', 'web', '8080')).stdout).not.toContain('warning');
  });
});

describe('reach', () => {
  const rows = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await podwall('reach', '-o', 'csv', ...args)).stdout
      .split('\r\n')
      .filter((line) => /^[^#]*\/.*,/.test(line) && !line.startsWith('"'));

  test.each([
    [['--from', 'app=client', '--to', 'svc/web:80'], ['default/Pod/client,default/Deployment/web,,TCP 8080,']],
    [['--from', '203.0.113.7', '--to', 'deploy/web'], ['203.0.113.0-203.0.113.255,default/Deployment/web,,all ports,']],
    [
      ['--from', 'default/app=client', '--to', 'web.default.svc:80'],
      ['default/Pod/client,default/Deployment/web,,TCP 8080,'],
    ],
    [['--from', 'app!=client,app', '--to', '10.244.1.5'], []],
    [['--from', 'ns/default', '--to', 'web', '--self'], ['default/Pod/client,default/Deployment/web,,TCP 8080,']],
  ])('filters: %j', async (args, expected) => {
    expect(await rows(...args)).toEqual(expected);
  });

  test('text: only who is asked about as a destination, on the ports that are asked about', async () => {
    const { stdout } = await podwall('reach', '--to', 'svc/web:80', '--from', '203.0.113.7');
    expect(stdout.split('\n').filter((line) => !line.startsWith('warning'))).toEqual([
      'default',
      '  Deployment/web',
      '    TCP 8080  from 203.0.113.0-203.0.113.255',
    ]);
  });

  test('exposure of some; its sources are not to be chosen', async () => {
    const { stdout } = await podwall('reach', '--exposure', '--to', 'svc/web:80', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      endpoints: [{ id: 'internet' }, { id: 'unknown pod' }, { id: 'default/Deployment/web' }],
      connections: [{ from: 'internet', allowed: [{ protocol: 'TCP', first: 8080, last: 8080 }] }],
    });
    expect((await podwall('reach', '--exposure', '--from', 'web')).exitCode).toBe(2);
  });

  test('exposure', async () => {
    const { stdout } = await podwall('reach', '--exposure', '-o', 'csv', '--assume', 'kube-dns');
    expect(stdout).toContain('internet,default/Deployment/web,,all ports,');
    expect(stdout).not.toContain('unknown pod,default/Deployment/web');
    expect(stdout).toContain('unknown pod,kube-system/Deployment/coredns,,all ports,');
  });

  test('several outputs at once; every text format warns', async () => {
    const formats = ['text', 'json', 'yaml', 'csv', 'md', 'dot', 'mermaid', 'html'];
    const files = Object.fromEntries(formats.map((format) => [format, join(folder, `out.${format}`)]));
    const { exitCode } = await podwall(
      'reach',
      ...formats.flatMap((format) => ['-o', `${format}=${files[format] ?? ''}`]),
    );
    expect(exitCode).toBe(0);
    for (const format of formats)
      expect([format, await readFile(files[format] ?? '', 'utf8')]).toEqual([
        format,
        expect.stringContaining('only the name is known of default'),
      ]);
  });
});
