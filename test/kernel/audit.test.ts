/** What the audit log says of real packets: for every reason, who was denied what, by which policies. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventRecord } from '../../src/audit/record.js';
import { namespace, node, pod, podAddresses, policy, type PodOptions } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail, packetsRecorded } from '../support/lab/audit-trail.js';
import type { Flow } from '../support/lab/flows.js';
import { AF_INET, close, inNamed, sendTo, SOCK_DGRAM, socket, socketAddress } from '../support/lab/libc.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { icmpEcho, icmpError, ipv4Packet, tcpFlags, tcpSegment, udpDatagram } from '../support/lab/packets.js';
import { sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';
import { bundle } from '../support/product.js';

const hosts = { client: 11, server: 12, caged: 13, broken: 14, open: 15 } as const;
type Local = keyof typeof hosts;
const address = (name: Local | 'ghost' | 'far', family: 4 | 6 = 4): string => {
  const host = name === 'ghost' ? 99 : name === 'far' ? 21 : hosts[name];
  return podAddresses(name === 'far' ? 'n2' : 'n1', host)[family === 4 ? 0 : 1] ?? '';
};

const labelled = (name: string, options: PodOptions): Manifest =>
  pod(`${name}.x`, { labels: { app: name }, ...options });
const owned = (manifest: Manifest, kind: string, name: string): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, ownerReferences: [{ kind, name, controller: true }] },
});
const app = (name: string): object => ({ matchLabels: { app: name } });
const objects: readonly Manifest[] = [
  node('n1'),
  node('n2'),
  namespace('x'),
  owned(labelled('client', { host: hosts.client }), 'ReplicaSet', 'web-5d4f8c7b9'),
  owned(labelled('server', { host: hosts.server, ports: [{ name: 'http', port: 80 }] }), 'StatefulSet', 'db'),
  labelled('caged', { host: hosts.caged }),
  labelled('broken', { host: hosts.broken }),
  labelled('open', { host: hosts.open }),
  labelled('far', { node: 'n2', host: 21 }),
  policy('caged.x', { podSelector: app('caged'), policyTypes: ['Ingress', 'Egress'] }),
  policy('broken.x', { podSelector: app('broken'), ingress: [{ ports: [{ port: 0 }] }] }),
];
const onlyFrom = (...names: readonly string[]): Manifest =>
  policy('only.x', {
    podSelector: app('server'),
    ingress: [{ from: names.map((name) => ({ podSelector: app(name) })) }],
  });
const allowClient = [...objects, onlyFrom('client', 'far'), policy('deny.x', { podSelector: app('server') })];

/** What no test can know before. */
const volatile = [
  '@timestamp',
  'event.id',
  'event.sequence',
  'event.start',
  'event.end',
  'podwall.boot_id',
  'source.port',
  'network.community_id',
  'podwall.snapshot',
  'source.podwall.identity',
  'destination.podwall.identity',
] as const;
const fixed = (record: EventRecord): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !(volatile as readonly string[]).includes(key)));

const envelope = (nodeName: string) => ({
  schema_version: 2,
  'event.kind': 'event',
  'event.category': ['network'],
  'event.type': ['connection', 'denied'],
  'event.action': 'network-policy-verdict',
  'event.outcome': 'failure',
  'k8s.node.name': nodeName,
  'observer.name': 'podwall',
  'observer.version': '0.1.0',
  'podwall.verdict': 'deny',
  'podwall.mode': 'enforce',
  'podwall.count': 1,
  'podwall.sampled': 1,
});
const podEnd = (end: 'source' | 'destination', name: string, at: string, more: object = {}) => ({
  [`${end}.address`]: at,
  [`${end}.podwall.class`]: 'pod',
  [`${end}.k8s.namespace.name`]: 'x',
  [`${end}.k8s.pod.name`]: name,
  [`${end}.k8s.pod.uid`]: `uid-x-${name}`,
  ...more,
});
const ofWeb = { 'source.k8s.workload.kind': 'Deployment', 'source.k8s.workload.name': 'web' };
const ofDb = { 'destination.k8s.workload.kind': 'StatefulSet', 'destination.k8s.workload.name': 'db' };
const noMatch = (name: string) => ({
  tier: 'NetworkPolicy',
  kind: 'NetworkPolicy',
  namespace: 'x',
  name,
  rule: null,
  action: 'NoMatch',
});
const byPolicies = (...names: readonly string[]) => ({
  'podwall.policies.isolating': names.map((name) => `x/${name}`),
  'podwall.trace': names.map(noMatch),
  ...(names.length === 0 ? {} : { 'security_rule.ruleset.name': `x/${names[0] ?? ''}`, 'security_rule.name': null }),
});

describePackets('records of denied packets', () => {
  let lab: Lab;
  let directory: string;
  let agents: Readonly<Record<'n1' | 'n2', AgentProcess>>;
  let trails: Readonly<Record<'n1' | 'n2', AuditTrail>>;

  const apply = (...manifests: readonly Manifest[]): Promise<void> => applyOn(['n1'], manifests);
  /** Resolves when these nodes, whose kernels hold something new by it, have it in force. */
  const applyOn = async (nodes: readonly ('n1' | 'n2')[], manifests: readonly Manifest[]): Promise<void> => {
    const seen = nodes.map((name) => agents[name].lines.length);
    await lab.writeManifests(directory, { cluster: manifests });
    await Promise.all(nodes.map((name, index) => agents[name].applied(seen[index])));
  };
  const from = (name: string): string => lab.netns(`${name}.x`);
  const syn = (name: string, to: string, port: number) =>
    lab.prober.probe([{ from: from(name), to, port, protocol: 'TCP' }], 100);
  const open = async (name: string, to: string, port: number): Promise<Flow> => {
    const flow = await lab.prober.openStream({ from: from(name), to, port });
    if (flow === undefined) throw new Error(`no stream from ${name} to ${to}`);
    return flow;
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    directory = join(lab.folder, 'manifests');
    const local = Object.entries({ ...hosts, ghost: 99 });
    await lab.addPods([
      ...local.map(([name, host]) => ({ namespace: 'x', name, node: 'n1', addresses: podAddresses('n1', host) })),
      { namespace: 'x', name: 'far', node: 'n2', addresses: podAddresses('n2', 21) },
    ]);
    for (const port of [80, 81, 82]) lab.prober.serve(from('server'), port, 'TCP');
    for (const port of [80, 81]) lab.prober.serve(from('open'), port, 'TCP');
    await lab.writeManifests(directory, { cluster: allowClient });
    const start = (name: 'n1' | 'n2'): Promise<AgentProcess> =>
      lab.startAgent(name, {
        manifests: directory,
        'audit-log': join(lab.folder, `${name}.jsonl`),
        ...(name === 'n1' ? { 'unknown-pods': 'deny' } : {}),
      });
    agents = { n1: await start('n1'), n2: await start('n2') };
    trails = {
      n1: new AuditTrail(join(lab.folder, 'n1.jsonl')),
      n2: new AuditTrail(join(lab.folder, 'n2.jsonl')),
    };
    // Its reading thread is there soon after.
    await delay(1500);
  }, 90_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each([4, 6] as const)('default-deny, ingress, IPv%i', async (family) => {
    const to = address('server', family);
    await syn('open', to, 80);
    const record = await trails.n1.find({ 'source.k8s.pod.name': 'open', 'destination.address': to });
    expect(fixed(record)).toEqual({
      ...envelope('n1'),
      'podwall.reason': 'default-deny',
      'network.direction': 'ingress',
      'network.transport': 'tcp',
      'network.type': `ipv${family}`,
      'network.bytes': family === 4 ? 60 : 80,
      'podwall.tcp_flags': 'SYN',
      'observer.ingress.interface.name': await lab.device('open.x'),
      ...podEnd('source', 'open', address('open', family)),
      ...podEnd('destination', 'server', to, ofDb),
      'destination.port': 80,
      'destination.podwall.named_port': 'http',
      ...byPolicies('deny', 'only'),
    });
  });

  test('what the record rests on is kept beside the log: it is explained later, with the edit that mends it', async () => {
    await syn('open', address('server'), 83);
    const record = await trails.n1.find({ 'source.k8s.pod.name': 'open', 'destination.port': 83 });
    const args = ['audit', 'explain', record['event.id'], '--log', join(lab.folder, 'n1.jsonl')];
    const explain = async () => {
      const { stdout, exitCode } = await execa(process.execPath, [bundle, ...args], { reject: false });
      return { stdout, exitCode };
    };
    // The files are written beside the record, not before it.
    await until(async () => (await explain()).exitCode === 1, 10_000);
    const { stdout } = await explain();
    expect(stdout).toContain('under the policies of that moment');
    expect(stdout).toContain('spec.ingress[0].from[0].podSelector.matchLabels.app: wants app=client');
    expect(stdout).toContain('the smallest edit that allows it');
  }, 30_000);

  test('default-deny, egress, to a pod of another node', async () => {
    await syn('caged', address('far'), 443);
    const record = await trails.n1.find({ 'source.k8s.pod.name': 'caged', 'destination.port': 443 });
    expect(fixed(record)).toMatchObject({
      'podwall.reason': 'default-deny',
      'network.direction': 'egress',
      ...podEnd('source', 'caged', address('caged')),
      ...podEnd('destination', 'far', address('far')),
      ...byPolicies('caged'),
    });
  });

  test('a node and an address outside are distinguished from pods', async () => {
    await syn('caged', '172.30.0.2', 80);
    await syn('caged', '172.30.0.100', 80);
    expect(await trails.n1.find({ 'destination.address': '172.30.0.2' })).toMatchObject({
      'destination.podwall.class': 'node',
    });
    expect(await trails.n1.find({ 'destination.address': '172.30.0.100' })).toMatchObject({
      'destination.podwall.class': 'external',
    });
  });

  test('a policy that fails closed', async () => {
    await syn('open', address('broken'), 80);
    const record = await trails.n1.find({ 'destination.k8s.pod.name': 'broken' });
    expect(record).toMatchObject({ 'podwall.reason': 'invalid-policy', 'network.direction': 'ingress' });
    expect(record).toMatchObject(byPolicies('broken'));
  });

  test.each([
    ['the client’s packets', 'toServer', 81],
    ['the server’s packets, which go the other way', 'toClient', 82],
  ] as const)('a cut flow: %s', async (_, heading, port) => {
    using flow = await open('client', address('server'), port);
    await apply(...objects, onlyFrom('far'));
    expect(flow.send(heading, 'cut')).toBe(true);
    const record = await trails.n1.find({ 'destination.port': port });
    expect(record).toMatchObject({
      'podwall.reason': 'default-deny',
      'network.direction': 'ingress',
      'podwall.tcp_flags': 'PSH,ACK',
      ...podEnd('source', 'client', address('client'), ofWeb),
      ...podEnd('destination', 'server', address('server'), ofDb),
      'source.port': flow.sourcePort,
      ...byPolicies('only'),
    });
    await apply(...allowClient);
  });

  test('both nodes’ records of one cut flow have one community id', async () => {
    using flow = await open('far', address('server'), 80);
    const farDenies = policy('far.x', { podSelector: app('far'), policyTypes: ['Egress'] });
    await applyOn(['n1', 'n2'], [...objects, onlyFrom('client'), farDenies]);
    flow.send('toClient', 'from the server');
    flow.send('toServer', 'from the client');
    const expected = { 'source.k8s.pod.name': 'far', 'source.port': flow.sourcePort };
    const [atServer, atClient] = [await trails.n1.find(expected), await trails.n2.find(expected)];
    expect(atServer).toMatchObject({ 'network.direction': 'ingress', 'podwall.policies.isolating': ['x/only'] });
    expect(atClient).toMatchObject({ 'network.direction': 'egress', 'podwall.policies.isolating': ['x/far'] });
    expect(atServer['network.community_id']).toMatch(/^1:.{27}=$/);
    expect(atClient['network.community_id']).toBe(atServer['network.community_id']);
    await applyOn(['n1', 'n2'], allowClient);
  });

  test('of one flow the client’s node records its allow, the server’s node its denial, under one community id', async () => {
    const asked = { 'podwall.dev/audit': 'deny,allow' };
    const recorded = objects.map((one) =>
      one.kind === 'Namespace' ? { ...one, metadata: { ...one.metadata, annotations: asked } } : one,
    );
    await applyOn(['n1', 'n2'], [...recorded, onlyFrom('client')]);
    await syn('far', address('server'), 84);
    const expected = { 'source.k8s.pod.name': 'far', 'destination.port': 84 };
    const [atServer, atClient] = [await trails.n1.find(expected), await trails.n2.find(expected)];
    expect(atClient).toMatchObject({
      'network.direction': 'egress',
      'podwall.verdict': 'allow',
      'podwall.reason': 'not-isolated',
      'event.outcome': 'success',
    });
    expect(atServer).toMatchObject({
      'network.direction': 'ingress',
      'podwall.verdict': 'deny',
      ...byPolicies('only'),
    });
    expect(atClient['network.community_id']).toMatch(/^1:.{27}=$/);
    expect(atClient['network.community_id']).toBe(atServer['network.community_id']);
    await applyOn(['n1', 'n2'], allowClient);
  });

  test('unknown-pod: an address in the node’s pod CIDR that no pod has', async () => {
    await syn('ghost', address('open'), 80);
    const record = await trails.n1.find({ 'podwall.reason': 'unknown-pod' });
    expect(fixed(record)).toMatchObject({
      'source.address': address('ghost'),
      'source.podwall.class': 'unknown',
      ...podEnd('destination', 'open', address('open')),
      ...byPolicies(),
    });
    expect(Object.keys(record).filter((key) => key.startsWith('source.k8s'))).toEqual([]);
  });

  test('mid-stream: a stream of an isolated client whose entry is gone', async () => {
    await apply(...allowClient, policy('in.x', { podSelector: app('client') }));
    using flow = await open('client', address('open'), 81);
    await lab.run('n1', 'conntrack', '-F');
    flow.send('toServer', 'who am I?');
    const record = await trails.n1.find({ 'podwall.reason': 'mid-stream' });
    expect(record).toMatchObject({
      ...podEnd('source', 'client', address('client'), ofWeb),
      ...podEnd('destination', 'open', address('open')),
      'network.direction': 'ingress',
      ...byPolicies('in'),
    });
    await apply(...allowClient);
  });

  test('invalid-packet: flags that no stream has', async () => {
    const endpoints = { source: address('open'), destination: address('server'), protocol: 6 };
    const segment = tcpSegment(
      { ...endpoints, sourcePort: 4000, destinationPort: 80 },
      { flags: tcpFlags.syn | tcpFlags.fin },
      Buffer.alloc(0),
    );
    sendIp(from('open'), ipv4Packet(endpoints, segment));
    const record = await trails.n1.find({ 'podwall.reason': 'invalid-packet' });
    expect(record).toMatchObject({
      'podwall.tcp_flags': 'FIN,SYN',
      'source.port': 4000,
      'network.direction': 'ingress',
      ...podEnd('destination', 'server', address('server'), ofDb),
      ...byPolicies('deny', 'only'),
    });
  });

  test('untracked: a packet that nobody tracks, counted and recorded apart from invalid ones', async () => {
    const nft = (...args: readonly string[]) => lab.run('n1', 'nft', ...args);
    const dropped = async (reason: string): Promise<number> => {
      const { stdout } = await nft('-j', 'list', 'counter', 'inet', 'podwall', `drop-${reason}`);
      const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] };
      return nftables.reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
    };
    const [invalid, untracked] = [await dropped('invalid'), await dropped('untracked')];
    expect(invalid).toBeGreaterThan(0);
    await nft('add table inet untracked');
    await nft('add chain inet untracked prerouting { type filter hook prerouting priority -300; }');
    await nft('add rule inet untracked prerouting udp dport 999 notrack');
    try {
      const endpoints = { source: address('open'), destination: address('server'), protocol: 17 };
      const datagram = udpDatagram({ ...endpoints, sourcePort: 4000, destinationPort: 999 }, Buffer.alloc(8));
      sendIp(from('open'), ipv4Packet(endpoints, datagram));
      const record = await trails.n1.find({ 'podwall.reason': 'untracked', 'destination.port': 999 });
      expect(record).toMatchObject({ 'network.direction': 'ingress', ...byPolicies('deny', 'only') });
      expect([await dropped('invalid'), await dropped('untracked')]).toEqual([invalid, untracked + 1]);
    } finally {
      await nft('delete table inet untracked');
    }
  });

  test('icmp-error: a redirect that quotes a flow', async () => {
    using flow = lab.prober.openUdpFlow({ from: from('client'), to: address('open'), port: 80, server: from('open') });
    expect(await flow.carries('toServer')).toBe(true);
    const endpoints = { source: address('client'), destination: address('open'), protocol: 17 };
    const ports = { sourcePort: flow.sourcePort, destinationPort: 80 };
    const quoted = ipv4Packet(endpoints, udpDatagram({ ...endpoints, ...ports }, Buffer.alloc(8)));
    const back = { source: address('open'), destination: address('client'), protocol: 1 };
    sendIp(from('open'), ipv4Packet(back, icmpError(5, 1, quoted)));
    const record = await trails.n1.find({ 'podwall.reason': 'icmp-error' });
    expect(record).toMatchObject({
      'network.transport': 'icmp',
      'podwall.icmp.type': 5,
      'podwall.icmp.code': 1,
      'network.direction': 'egress',
      ...podEnd('source', 'open', address('open')),
      ...podEnd('destination', 'client', address('client')),
      ...byPolicies(),
    });
  });

  test('source-guard: the pod behind the device, not the one whose address is forged', async () => {
    const endpoints = { source: address('server'), destination: address('open'), protocol: 1 };
    sendIp(from('client'), ipv4Packet(endpoints, icmpEcho(4, 7)));
    const record = await trails.n1.find({ 'podwall.reason': 'source-guard' });
    expect(fixed(record)).toMatchObject({
      ...podEnd('source', 'client', address('server'), ofWeb),
      ...podEnd('destination', 'open', address('open')),
      'network.direction': 'egress',
      'observer.ingress.interface.name': await lab.device('client.x'),
      ...byPolicies(),
    });
  });

  test('base: multicast that a bridge would have brought to a pod', async () => {
    const mouth = inNamed(from('open'), () => socket(AF_INET, SOCK_DGRAM));
    const all = '224.0.0.251';
    const frames = 10;
    for (let frame = 0; frame < frames; frame += 1) sendTo(mouth, Buffer.from('hello'), socketAddress(all, 5353));
    close(mouth);
    const record = await trails.n1.find({ 'podwall.reason': 'base', 'destination.address': all });
    // One of those that it did not reach.
    const name = record['destination.k8s.pod.name'] ?? '';
    expect(fixed(record)).toMatchObject({
      'network.direction': 'ingress',
      'network.transport': 'udp',
      ...podEnd('source', 'open', address('open')),
      ...podEnd('destination', name, all),
      'destination.port': 5353,
      ...byPolicies(),
    });
    // A frame counts once, however many pods the bridge would have brought it to.
    const counted = async (): Promise<number> =>
      packetsRecorded((await trails.n1.events()).filter((one) => one['destination.address'] === all));
    await until(async () => (await counted()) >= frames, 15_000);
    expect(await counted()).toBe(frames);
  });

  test('repeats are one more record: the first counts 1, the rest are summed', async () => {
    for (let round = 0; round < 4; round += 1) await syn('broken', address('server'), 80);
    const expected = { 'source.k8s.pod.name': 'broken', 'destination.port': 80 };
    expect(await trails.n1.find(expected)).toMatchObject({ 'podwall.count': 1 });
    const sum = await trails.n1.find({ ...expected, 'podwall.count': 3 }, 10_000);
    expect(Date.parse(sum['event.end'])).toBeGreaterThan(Date.parse(sum['event.start']));
  });

  test('an address that was handed on: each packet is attributed to the pod that had it', async () => {
    const at = podAddresses('n1', 50);
    const heir = { namespace: 'x', node: 'n1', addresses: at };
    const [one, other] = ['before', 'after'].map((name) => labelled(name, { addresses: at }));
    if (one === undefined || other === undefined) throw new Error('unreachable');
    await lab.addPod({ ...heir, name: 'before' });
    await apply(...allowClient, one);
    await syn('before', address('server'), 80);
    await lab.deletePod('before.x');
    await lab.addPod({ ...heir, name: 'after' });
    // The kernel has nothing new to hold: the agent says nothing.
    await lab.writeManifests(directory, { cluster: [...allowClient, other] });
    await until(async () => JSON.stringify((await agents.n1.status())['endpoints']).includes('"after"'));
    await syn('after', address('server'), 80);
    const expected = { 'source.address': at[0] ?? '', 'podwall.count': 1 };
    await trails.n1.find({ ...expected, 'source.k8s.pod.name': 'after' });
    const seen = (await trails.n1.events()).filter((record) => record['source.address'] === at[0]);
    expect(seen.map((record) => record['source.k8s.pod.name'])).toEqual(['before', 'after']);
    await apply(...allowClient);
  });

  describe('denied before the agent reads it', () => {
    /** The agent does nothing while `work` goes on; its queue fills, and the changes that it will notice are made. */
    const unread = async (work: () => Promise<void>): Promise<void> => {
      process.kill(agents.n1.pid, 'SIGSTOP');
      try {
        await work();
      } finally {
        process.kill(agents.n1.pid, 'SIGCONT');
      }
    };

    test('by policies that are then replaced: they are named, not what replaced them', async () => {
      const seen = agents.n1.lines.length;
      await unread(async () => {
        await syn('open', address('server'), 90);
        const successor = policy('successor.x', { podSelector: app('server') });
        await lab.writeManifests(directory, { cluster: [...objects, successor] });
      });
      const record = await trails.n1.find({ 'source.k8s.pod.name': 'open', 'destination.port': 90 });
      expect(record).toMatchObject(byPolicies('deny', 'only'));
      await agents.n1.applied(seen);
      await syn('open', address('server'), 91);
      const later = await trails.n1.find({ 'source.k8s.pod.name': 'open', 'destination.port': 91 });
      expect(later).toMatchObject(byPolicies('successor'));
      await apply(...allowClient);
    }, 30_000);

    test('from an address that is then handed to another pod: it is attributed to the pod that had it', async () => {
      const at = podAddresses('n1', 51);
      const place = { namespace: 'x', node: 'n1', addresses: at };
      const [one, other] = ['leaver', 'heir'].map((name) => labelled(name, { addresses: at }));
      if (one === undefined || other === undefined) throw new Error('unreachable');
      await lab.addPod({ ...place, name: 'leaver' });
      await apply(...allowClient, one);
      await unread(async () => {
        await syn('leaver', address('server'), 92);
        await lab.deletePod('leaver.x');
        await lab.addPod({ ...place, name: 'heir' });
        await lab.writeManifests(directory, { cluster: [...allowClient, other] });
      });
      const record = await trails.n1.find({ 'source.address': at[0] ?? '', 'destination.port': 92 });
      expect(record['source.k8s.pod.name']).toBe('leaver');
      await until(async () => JSON.stringify((await agents.n1.status())['endpoints']).includes('"heir"'));
      await apply(...allowClient);
    }, 30_000);
  });
});
