/** A node that does not track port 53, as one with a DNS cache may: both settings of --untracked, on real packets. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { AuditTrail } from '../support/lab/audit-trail.js';
import type { Lab } from '../support/lab/lab.js';
import type { Outcome } from '../support/lab/prober.js';
import { describePackets } from '../support/lab/requirements.js';
import { app, threePods } from './three-pods.js';

const dns = [{ protocol: 'UDP', port: 53 }];

/** The server is the DNS pod: it may answer the client, and ask nobody. The client may ask it, and nobody may ask the client. */
const policies: readonly Manifest[] = [
  policy('dns.x', {
    podSelector: app('server'),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: app('client') }], ports: dns }],
  }),
  policy('asks.x', {
    podSelector: app('client'),
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ to: [{ podSelector: app('server') }], ports: dns }],
  }),
];

const hosts = { client: 11, other: 12, server: 13 } as const;
type Pod = keyof typeof hosts;

describePackets('packets that the node does not track', () => {
  let lab: Lab;
  const nft = (...args: readonly string[]) => lab.run('n1', 'nft', ...args);
  const start = (untracked: 'drop' | 'stateless') =>
    lab.startAgent('n1', {
      manifests: join(lab.folder, 'manifests'),
      'audit-log': join(lab.folder, 'audit.jsonl'),
      untracked,
    });

  interface Ask {
    readonly from: Pod;
    readonly to: Pod;
    readonly port: number;
    readonly sourcePort?: number;
    readonly protocol?: 'UDP' | 'TCP';
  }
  /** Of both families, which must agree. */
  const ask = async ({ from, to, protocol = 'UDP', ...ports }: Ask): Promise<Outcome> => {
    const outcomes = await lab.prober.probe(
      [`10.244.1.${hosts[to]}`, `fd00:10:244:1::${hosts[to]}`].map((address) => ({
        from: lab.netns(`${from}.x`),
        to: address,
        protocol,
        ...ports,
      })),
      400,
    );
    const [first, ...others] = new Set(outcomes);
    if (first === undefined || others.length > 0) throw new Error(`families differ: ${outcomes.join()}`);
    return first;
  };
  const dropped = async (): Promise<number> => {
    const script = `fetch('http://127.0.0.1:9808/metrics').then(async (r) => process.stdout.write(await r.text()))`;
    const text = (await lab.run('n1', process.execPath, '-e', script)).stdout;
    return Number(/^podwall_dropped_packets_total\{reason="untracked"\} (\d+)$/m.exec(text)?.[1]);
  };

  beforeAll(async () => {
    lab = await threePods(policies);
    await lab.stopAgents();
    for (const [pod, protocol, port] of [
      ['server', 'UDP', 53],
      ['server', 'UDP', 54],
      ['client', 'UDP', 999],
      ['client', 'TCP', 999],
      ['other', 'UDP', 999],
    ] as const)
      lab.prober.serve(lab.netns(`${pod}.x`), port, protocol);
    await nft('add table inet untracked');
    await nft('add chain inet untracked prerouting { type filter hook prerouting priority -300; }');
    for (const field of ['sport', 'dport'])
      await nft(`add rule inet untracked prerouting meta l4proto { tcp, udp } th ${field} { 53, 54 } notrack`);
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  describe('by default', () => {
    beforeAll(() => start('drop'), 60_000);
    afterAll(() => lab.stopAgents(), 60_000);

    test('are dropped where a pod is isolated, although policies allow them, and are counted and recorded', async () => {
      expect(await ask({ from: 'client', to: 'server', port: 53 })).toBe('blocked');
      expect(await dropped()).toBe(2);
      const trail = new AuditTrail(join(lab.folder, 'audit.jsonl'));
      expect(await trail.find({ 'podwall.reason': 'untracked', 'destination.port': 53 })).toMatchObject({
        'podwall.verdict': 'deny',
        'network.transport': 'udp',
        'podwall.policies.isolating': ['x/dns'],
      });
    });
  });

  describe('with --untracked=stateless', () => {
    beforeAll(() => start('stateless'), 60_000);

    test('pass where policies allow them, there and back', async () => {
      expect(await ask({ from: 'client', to: 'server', port: 53 })).toBe('allowed');
    });

    test.each<Ask>([
      { from: 'other', to: 'server', port: 53 },
      { from: 'client', to: 'server', port: 54 },
      { from: 'client', to: 'server', port: 53, protocol: 'TCP' },
      { from: 'client', to: 'other', port: 999, sourcePort: 53 },
      { from: 'server', to: 'other', port: 999, sourcePort: 53 },
      { from: 'server', to: 'client', port: 999, sourcePort: 54 },
      { from: 'server', to: 'client', port: 999, sourcePort: 53, protocol: 'TCP' },
    ])('do not pass where policies do not: %j', async (denied) => {
      expect(await ask(denied)).toBe('blocked');
    });

    test('what answers a client from an allowed port reaches any port of it, which is why this is no default', async () => {
      expect(await ask({ from: 'server', to: 'client', port: 999, sourcePort: 53 })).toBe('allowed');
    });

    test('and what was dropped is still counted', async () => {
      expect(await dropped()).toBeGreaterThan(2);
    });
  });
});
