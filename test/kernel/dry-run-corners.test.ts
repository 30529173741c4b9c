/** Dry runs and recorded allows on real packets where it is hard: other protocols, replies, Services, full sets, lost state. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventRecord } from '../../src/audit/record.js';
import { annotated, namespace, node, pod, podAddresses, policy, inDryRun } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail, packetsRecorded } from '../support/lab/audit-trail.js';
import { flood } from '../support/lab/flood.js';
import { Lab, labNode } from '../support/lab/lab.js';
import type { Outcome, ProbeProtocol } from '../support/lab/prober.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';

const hosts = { client: 11, other: 12, server: 13 } as const;
type Name = keyof typeof hosts;
const address = (name: Name, family: 4 | 6 = 4): string => podAddresses('n1', hosts[name])[family === 4 ? 0 : 1] ?? '';
const app = (name: Name): object => ({ matchLabels: { app: name } });
const plain = namespace('x');
const recorded = annotated(plain, { 'podwall.dev/audit': 'deny,allow' });
const denyServer = policy('deny.x', { podSelector: app('server') });
const denyBoth = policy('both.x', { podSelector: app('server'), policyTypes: ['Ingress', 'Egress'] });
const letServer = policy('let.x', {
  podSelector: app('server'),
  ingress: [{ from: [{ podSelector: app('client') }] }],
});
const denyClient = policy('caged.x', { podSelector: app('client'), policyTypes: ['Egress'] });
const dnsOnly = policy('out.x', {
  podSelector: app('client'),
  policyTypes: ['Egress'],
  egress: [{ ports: [{ port: 53 }] }],
});

/** What a record says, in a line. */
const summary = (record: EventRecord): string =>
  [
    record['podwall.mode'],
    record['podwall.verdict'],
    record['event.outcome'],
    record['network.direction'],
    record['network.transport'],
    `${record['source.k8s.pod.name'] ?? record['source.address']}->${record['destination.k8s.pod.name'] ?? record['destination.address']}`,
    record['security_rule.name'] ?? record['podwall.reason'],
  ].join(' ');

describePackets('dry runs and recorded allows in the corners', () => {
  let lab: Lab;
  let directory: string;
  let agent: AgentProcess;
  let trail: AuditTrail;
  let began = 0;
  let standing = JSON.stringify([plain, []]);

  const apply = async (space: Manifest, ...policies: readonly Manifest[]): Promise<void> => {
    const expected = JSON.stringify([space, policies]);
    began = Date.now();
    // What changes nothing is not applied.
    if (expected === standing) return;
    standing = expected;
    const seen = agent.lines.length;
    const pods = (Object.keys(hosts) as Name[]).map((name) =>
      pod(`${name}.x`, { host: hosts[name], labels: { app: name } }),
    );
    await lab.writeManifests(directory, { cluster: [node('n1'), space, ...pods, ...policies] });
    await agent.applied(seen);
    began = Date.now();
  };
  /** Records of packets since the last change, as soon as there are so many. */
  const recordsAfter = async (count: number): Promise<string[]> => {
    const records = (): Promise<EventRecord[]> => trail.eventsSince(began);
    await until(async () => (await records()).length >= count, 15_000).catch(() => undefined);
    return [...new Set((await records()).map(summary))].sort();
  };
  const call = async (
    from: Name,
    to: string,
    port: number,
    protocol: ProbeProtocol = 'TCP',
  ): Promise<Outcome | undefined> =>
    (await lab.prober.probe([{ from: lab.netns(`${from}.x`), to, port, protocol }], 400))[0];
  const nft = async (...args: readonly string[]): Promise<string> => (await lab.run('n1', 'nft', ...args)).stdout;

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge')]);
    directory = join(lab.folder, 'manifests');
    await lab.addPods(
      Object.entries(hosts).map(([name, host]) => ({
        namespace: 'x',
        name,
        node: 'n1',
        addresses: podAddresses('n1', host),
      })),
    );
    for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) lab.prober.serve(lab.netns('server.x'), 80, protocol);
    await lab.writeManifests(directory, { cluster: [node('n1'), plain] });
    trail = new AuditTrail(join(lab.folder, 'n1.jsonl'));
    agent = await lab.startAgent('n1', { manifests: directory, 'audit-log': trail.path }, { pidNamespace: 'host' });
    await delay(1500);
  }, 90_000);
  beforeEach(async () => {
    // Relations that the last test recorded are forgotten.
    for (const set of ['in4', 'in6', 'out4', 'out6'])
      await nft('flush', 'set', 'inet', 'podwall', `dry-run-reported-${set}`);
  });
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each([4, 6] as const)(
    'every protocol: a dry run denies none of them, IPv%i',
    async (family) => {
      await apply(plain, inDryRun(denyServer), inDryRun(denyClient));
      const protocols = ['TCP', 'UDP', 'SCTP', 'ICMP'] as const;
      for (const protocol of protocols)
        expect([protocol, await call('client', address('server', family), 80, protocol)]).toEqual([
          protocol,
          'allowed',
        ]);
      const echo = family === 4 ? 'icmp' : 'ipv6-icmp';
      expect(await recordsAfter(8)).toEqual(
        ['egress', 'ingress']
          .flatMap((direction) =>
            ['tcp', 'udp', 'sctp', echo].map(
              (one) => `dry-run deny success ${direction} ${one} client->server default-deny`,
            ),
          )
          .sort(),
      );
    },
    40_000,
  );

  test.each([4, 6] as const)(
    'every protocol: the first packet of an allowed flow, and its rule, IPv%i',
    async (family) => {
      await apply(recorded, letServer);
      for (const protocol of ['TCP', 'UDP', 'SCTP', 'ICMP'] as const)
        expect([protocol, await call('client', address('server', family), 80, protocol)]).toEqual([
          protocol,
          'allowed',
        ]);
      const echo = family === 4 ? 'icmp' : 'ipv6-icmp';
      expect(await recordsAfter(8)).toEqual(
        ['tcp', 'udp', 'sctp', echo]
          .flatMap((one) => [
            `enforce allow success egress ${one} client->server not-isolated`,
            `enforce allow success ingress ${one} client->server ingress[0]`,
          ])
          .sort(),
      );
    },
    40_000,
  );

  test.each([4, 6] as const)(
    'of a UDP flow that nobody answers the first packet only, IPv%i',
    async (family) => {
      await apply(recorded, letServer);
      const to = address('server', family);
      const sent = await flood({ from: lab.netns('client.x'), to, ports: [514] }, () => delay(1000));
      expect(sent).toBeGreaterThan(100);
      expect(await recordsAfter(2)).toEqual([
        'enforce allow success egress udp client->server not-isolated',
        'enforce allow success ingress udp client->server ingress[0]',
      ]);
      // Repeats are summed, and losses recorded, within seconds.
      await delay(6000);
      const since = (await trail.all()).filter((record) => Date.parse(record['@timestamp']) >= began);
      expect(packetsRecorded(since)).toBe(2);
    },
    40_000,
  );

  test.each([4, 6] as const)(
    'an ICMP error of a server in a dry run gets back to its client, IPv%i',
    async (family) => {
      await apply(plain, inDryRun(denyBoth), inDryRun(denyClient));
      expect(await call('client', address('server', family), 4444, 'UDP')).toBe('refused');
      expect(await recordsAfter(2)).toEqual([
        'dry-run deny success egress udp client->server default-deny',
        'dry-run deny success ingress udp client->server default-deny',
      ]);
    },
    40_000,
  );

  test("the server's packets of a flow are recorded with the client as the client", async () => {
    await apply(plain);
    using stream = await lab.prober.openStream({ from: lab.netns('other.x'), to: address('server'), port: 80 });
    expect(await stream?.carries('toServer')).toBe(true);
    await apply(plain, inDryRun(denyServer));
    // The first packet that a rule of the dry run meets is one of the server's.
    expect(await stream?.carries('toClient')).toBe(true);
    expect(await recordsAfter(1)).toEqual(['dry-run deny success ingress tcp other->server default-deny']);
    const record = (await trail.events()).find(({ 'event.start': start }) => Date.parse(start) >= began);
    expect(record).toMatchObject({ 'destination.port': 80, 'podwall.tcp_flags': 'PSH,ACK' });
  }, 40_000);

  test('a stream that conntrack forgot goes on in a dry run, from either end', async () => {
    await apply(plain, inDryRun(denyBoth), inDryRun(denyClient));
    for (const first of ['toServer', 'toClient'] as const) {
      using stream = await lab.prober.openStream({ from: lab.netns('client.x'), to: address('server'), port: 80 });
      expect(await stream?.carries('toServer')).toBe(true);
      await lab.run('n1', 'conntrack', '-F');
      expect(await stream?.carries(first)).toBe(true);
      expect(await stream?.carries('toServer')).toBe(true);
      expect(await stream?.carries('toClient')).toBe(true);
    }
    // Enforced, it is cut: a stream accepted mid-stream is evaluated again.
    using stream = await lab.prober.openStream({ from: lab.netns('client.x'), to: address('server'), port: 80 });
    await lab.run('n1', 'conntrack', '-F');
    expect(await stream?.carries('toClient')).toBe(true);
    await apply(plain, denyBoth);
    expect(await stream?.carries('toServer')).toBe(false);
    expect(await stream?.carries('toClient')).toBe(false);
  }, 40_000);

  test('behind a Service the endpoint is recorded, and nothing is dropped', async () => {
    await apply(plain, inDryRun(denyServer));
    const rules = join(lab.folder, 'service.nft');
    await writeFile(
      rules,
      `table ip service {
        chain pre { type nat hook prerouting priority dstnat; ip daddr 10.96.0.1 tcp dport 8080 dnat to ${address('server')}:80; }
      }`,
    );
    await nft('-f', rules);
    expect(await call('client', '10.96.0.1', 8080)).toBe('allowed');
    expect(await recordsAfter(1)).toEqual(['dry-run deny success ingress tcp client->server default-deny']);
    await nft('delete', 'table', 'ip', 'service');
  }, 40_000);

  test('a cached relation is recorded as soon as a dry run begins, and never cached in one', async () => {
    await apply(plain, letServer);
    await noExceptions();
    for (let again = 0; again < 3; again += 1) expect(await call('client', address('server'), 80)).toBe('allowed');
    expect(await cached()).toContain(address('server'));
    await apply(plain, letServer, inDryRun(dnsOnly));
    for (let again = 0; again < 3; again += 1) expect(await call('client', address('server'), 80)).toBe('allowed');
    expect(await recordsAfter(1)).toEqual(['dry-run deny success egress tcp client->server default-deny']);
    expect(await cached()).not.toContain(address('server'));
  }, 40_000);

  test('when the sets of recorded relations are full, nothing is opened, dropped or cached', async () => {
    await apply(plain, letServer, inDryRun(dnsOnly));
    const elements = Array.from({ length: 65_536 }, (_, index) => {
      const [high, low] = [index >> 8, index & 255];
      return `10.99.${high}.${low} . 10.98.0.1 . tcp . 1 timeout 60s`;
    });
    const full = join(lab.folder, 'full.nft');
    await writeFile(full, `add element inet podwall dry-run-reported-out4 { ${elements.join(', ')} }\n`);
    await nft('-f', full);
    for (let again = 0; again < 3; again += 1) {
      expect(await call('client', address('server'), 80)).toBe('allowed');
      expect(await call('other', address('server'), 80)).toBe('blocked');
    }
    expect(await cached()).not.toContain(address('client'));
    expect(await recordsAfter(2)).toEqual([
      'dry-run deny success egress tcp client->server default-deny',
      'enforce deny failure ingress tcp other->server default-deny',
    ]);
  }, 60_000);

  /** After a change, its addresses are not cached until the cache is emptied, at most a second later. */
  const noExceptions = (): Promise<void> =>
    until(async () => !(await nft('list', 'chain', 'inet', 'podwall', 'cache-lookup')).includes('excepting'));

  /** What the verdict caches of IPv4 hold, the one in use and the one that stands ready, and no exceptions are made. */
  const cached = async (): Promise<string> => {
    await noExceptions();
    const { nftables } = JSON.parse(await nft('-j', 'list', 'table', 'inet', 'podwall')) as {
      nftables: readonly { readonly set?: { readonly name: string; readonly elem?: unknown } }[];
    };
    return JSON.stringify(nftables.map(({ set }) => (set?.name.startsWith('cache4-') === true ? set.elem : [])));
  };
});
