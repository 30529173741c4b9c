/** Dry runs and recorded allows on real packets: everything is recorded, and nothing is dropped or opened by it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventRecord } from '../../src/audit/record.js';
import { annotated, namespace, node, pod, podAddresses, policy, inDryRun } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail } from '../support/lab/audit-trail.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { ipv4Packet, udpDatagram } from '../support/lab/packets.js';
import { AF_INET, close, inNamed, sendTo, SOCK_DGRAM, socket, socketAddress } from '../support/lab/libc.js';
import { Capture, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';

const hosts = { client: 11, other: 12, server: 13, ghost: 99 } as const;
type Name = keyof typeof hosts;
const address = (name: Name, family: 4 | 6 = 4): string => podAddresses('n1', hosts[name])[family === 4 ? 0 : 1] ?? '';
const app = (name: string): object => ({ matchLabels: { app: name } });

const onlyClient = policy('only.x', {
  podSelector: app('server'),
  ingress: [{ from: [{ podSelector: app('client') }] }],
});
const denyServer = policy('deny.x', { podSelector: app('server') });
const denyClient = policy('caged.x', { podSelector: app('client'), policyTypes: ['Egress'] });
const letClient = policy('let.x', {
  podSelector: app('client'),
  policyTypes: ['Egress'],
  egress: [{ to: [{ podSelector: app('server') }] }],
});

const cluster = (space: Manifest, ...policies: readonly Manifest[]): readonly Manifest[] => [
  node('n1'),
  space,
  ...(['client', 'other', 'server'] as const).map((name) =>
    pod(`${name}.x`, { host: hosts[name], labels: { app: name } }),
  ),
  ...policies,
];
const plain = namespace('x');

/** What a record says, without what no test can know. */
const summary = (record: EventRecord): object => ({
  verdict: record['podwall.verdict'],
  mode: record['podwall.mode'],
  outcome: record['event.outcome'],
  reason: record['podwall.reason'],
  direction: record['network.direction'],
  from: record['source.k8s.pod.name'] ?? record['source.address'],
  to: record['destination.k8s.pod.name'] ?? record['destination.address'],
  isolating: record['podwall.policies.isolating'],
  rule: record['security_rule.name'],
});
const dryRunDenial = (direction: string, from: string, to: string, ...by: readonly string[]): object => ({
  verdict: 'deny',
  mode: 'dry-run',
  outcome: 'success',
  reason: 'default-deny',
  direction,
  from,
  to,
  isolating: by,
  rule: null,
});

describePackets('the audit log of an agent', () => {
  let lab: Lab;
  let directory: string;
  let agent: AgentProcess;
  let trail: AuditTrail;
  /** When the present test began. */
  let began = 0;

  const apply = async (...manifests: readonly Manifest[]): Promise<void> => {
    const seen = agent.lines.length;
    await lab.writeManifests(directory, { cluster: manifests });
    await agent.applied(seen);
  };
  const records = (): Promise<EventRecord[]> => trail.eventsSince(began);
  /** As soon as there are so many: exactly these, in any order. */
  const expectRecords = async (...expected: readonly object[]): Promise<void> => {
    await until(async () => (await records()).length >= expected.length, 15_000).catch(() => undefined);
    const order = (one: object): string => JSON.stringify(one);
    const sorted = (list: readonly object[]): object[] => [...list].sort((a, b) => (order(a) < order(b) ? -1 : 1));
    expect(sorted((await records()).map(summary))).toEqual(sorted(expected));
  };
  const call = async (from: Name, to: Name, port = 80, family: 4 | 6 = 4): Promise<string> => {
    const probe = { from: lab.netns(`${from}.x`), to: address(to, family), port, protocol: 'TCP' as const };
    const [outcome = 'none'] = await lab.prober.probe([probe], 300);
    return outcome;
  };

  const begin = async (flags: Readonly<Record<string, string>>, ...manifests: readonly Manifest[]): Promise<void> => {
    lab = await Lab.create([labNode(1)]);
    directory = join(lab.folder, 'manifests');
    await lab.addPods(
      Object.entries(hosts).map(([name, host]) => ({
        namespace: 'x',
        name,
        node: 'n1',
        addresses: podAddresses('n1', host),
      })),
    );
    for (let port = 80; port < 92; port += 1) lab.prober.serve(lab.netns('server.x'), port, 'TCP');
    await lab.writeManifests(directory, { cluster: manifests });
    agent = await lab.startAgent('n1', { manifests: directory, 'audit-log': join(lab.folder, 'n1.jsonl'), ...flags });
    trail = new AuditTrail(join(lab.folder, 'n1.jsonl'));
    // Its reading thread is there soon after.
    await delay(1500);
  };
  beforeEach(() => {
    began = Date.now();
  });

  describe('with policies in a dry run', () => {
    beforeAll(() => begin({}, ...cluster(plain, inDryRun(onlyClient))), 90_000);
    afterAll(() => lab[Symbol.asyncDispose](), 60_000);

    test.each([4, 6] as const)('what one would deny passes, and is recorded once, IPv%i', async (family) => {
      expect(await call('client', 'server', 80, family)).toBe('allowed');
      for (let again = 0; again < 5; again += 1) expect(await call('other', 'server', 80, family)).toBe('allowed');
      await expectRecords(dryRunDenial('ingress', 'other', 'server', 'x/only'));
    });

    test('a stream that a dry run would cut runs on', async () => {
      using stream = await lab.prober.openStream({ from: lab.netns('other.x'), to: address('server'), port: 81 });
      expect(await stream?.carries('toServer')).toBe(true);
      await apply(...cluster(plain, inDryRun(denyServer)));
      // A relation is recorded again after five seconds.
      await delay(5500);
      expect(await stream?.carries('toServer')).toBe(true);
      expect(await stream?.carries('toClient')).toBe(true);
      await expectRecords(
        dryRunDenial('ingress', 'other', 'server', 'x/only'),
        // Under other policies it is another would-be denial.
        dryRunDenial('ingress', 'other', 'server', 'x/deny'),
      );
    }, 30_000);

    test('what one would allow stays denied, and both are recorded', async () => {
      await apply(...cluster(plain, denyServer, inDryRun(onlyClient)));
      expect(await call('client', 'server', 82)).toBe('blocked');
      expect(await call('other', 'server', 82)).toBe('blocked');
      await until(async () => (await records()).length >= 3, 15_000);
      const recorded = (await records()).map(summary);
      const denied = (from: string): object => ({
        ...dryRunDenial('ingress', from, 'server', 'x/deny'),
        mode: 'enforce',
        outcome: 'failure',
      });
      expect(recorded).toEqual(expect.arrayContaining([denied('client'), denied('other')]));
      const allowing = recorded.filter((one) => 'mode' in one && one.mode === 'dry-run');
      expect(allowing).toEqual([
        {
          verdict: 'allow',
          mode: 'dry-run',
          outcome: 'failure',
          reason: 'rule',
          direction: 'ingress',
          from: 'client',
          to: 'server',
          isolating: ['x/deny'],
          rule: 'ingress[0]',
        },
      ]);
    }, 30_000);

    test('each direction is recorded, and a relation that policy allows is not cached', async () => {
      await apply(...cluster(plain, inDryRun(denyServer), inDryRun(denyClient)));
      expect(await call('client', 'server', 83)).toBe('allowed');
      await expectRecords(
        dryRunDenial('egress', 'client', 'server', 'x/caged'),
        dryRunDenial('ingress', 'client', 'server', 'x/deny'),
      );
    }, 30_000);

    test('a client whose policy allows it meets the dry run of its server', async () => {
      await apply(...cluster(plain, inDryRun(denyServer), letClient));
      expect(await call('client', 'server', 84)).toBe('allowed');
      expect(await call('client', 'other', 84)).toBe('blocked');
      const denial = { ...dryRunDenial('egress', 'client', 'other', 'x/let'), mode: 'enforce', outcome: 'failure' };
      await expectRecords(dryRunDenial('ingress', 'client', 'server', 'x/deny'), denial);
    }, 30_000);

    test('one that is broken drops nothing, and what is enforced beside it still does', async () => {
      const broken = policy('broken.x', { podSelector: app('server'), ingress: [{ ports: [{ port: 0 }] }] });
      await apply(...cluster(plain, inDryRun(broken), denyClient));
      expect(await call('other', 'server', 85)).toBe('allowed');
      expect(await call('client', 'server', 85)).toBe('blocked');
      await until(async () => (await records()).length >= 2, 15_000);
      expect((await records()).map(summary)).toContainEqual({
        ...dryRunDenial('ingress', 'other', 'server', 'x/broken'),
        reason: 'invalid-policy',
      });
    }, 30_000);

    test('taken out of it, a policy is enforced with the next packet; and no more when it is put back', async () => {
      await apply(...cluster(plain, inDryRun(denyServer)));
      using stream = await lab.prober.openStream({ from: lab.netns('client.x'), to: address('server'), port: 86 });
      expect(await stream?.carries('toServer')).toBe(true);
      await apply(...cluster(plain, denyServer));
      expect(await stream?.carries('toServer')).toBe(false);
      expect(await call('client', 'server', 86)).toBe('blocked');
      await apply(...cluster(plain, inDryRun(denyServer)));
      expect(await call('client', 'server', 86)).toBe('allowed');
    }, 30_000);

    test('a value that is no mode enforces, and is reported', async () => {
      await apply(...cluster(plain, annotated(denyServer, { 'podwall.dev/mode': 'Audit' })));
      expect(await call('other', 'server', 87)).toBe('blocked');
      const { problems, dryRun } = await agent.status();
      expect(JSON.stringify(problems)).toMatch(/podwall\.dev\/mode.*Audit.*it is enforced/);
      expect(dryRun).toEqual([]);
    }, 30_000);

    test.each<[string, number, Manifest, Manifest]>([
      ['a policy', 90, plain, annotated(denyServer, { 'podwall.dev/mode': 'audit' })],
      ['a Namespace', 91, annotated(plain, { 'podwall.dev/mode': 'audit' }), denyServer],
    ])(
      '%s that still says mode: audit drops nothing, and status names what to write',
      async (_, port, space, policy) => {
        await apply(...cluster(plain));
        await apply(...cluster(plain, denyServer));
        expect(await call('other', 'server', port)).toBe('blocked');
        began = Date.now();
        await apply(...cluster(space, policy));
        expect(await call('other', 'server', port)).toBe('allowed');
        await expectRecords(dryRunDenial('ingress', 'other', 'server', 'x/deny'));
        const { problems, dryRun } = await agent.status();
        expect(JSON.stringify(problems)).toMatch(/"severity":"error".*write podwall\.dev\/mode: dry-run/);
        expect(dryRun).toEqual([{ namespace: 'x', name: 'deny' }]);
      },
      30_000,
    );

    test('a whole namespace is in one by its annotation', async () => {
      await apply(...cluster(annotated(plain, { 'podwall.dev/mode': 'dry-run' }), denyServer, denyClient));
      expect(await call('client', 'server', 88)).toBe('allowed');
      await until(async () => (await records()).length >= 2, 15_000);
      expect((await records()).map(summary)).toEqual(
        expect.arrayContaining([
          dryRunDenial('egress', 'client', 'server', 'x/caged'),
          dryRunDenial('ingress', 'client', 'server', 'x/deny'),
        ]),
      );
      const { dryRun } = await agent.status();
      expect(dryRun).toEqual([
        { namespace: 'x', name: 'caged' },
        { namespace: 'x', name: 'deny' },
      ]);
    }, 30_000);
  });

  describe('of a namespace that asks for its allows', () => {
    const recorded = annotated(plain, { 'podwall.dev/audit': 'deny,allow' });
    beforeAll(() => begin({}, ...cluster(plain, onlyClient)), 90_000);
    afterAll(() => lab[Symbol.asyncDispose](), 60_000);
    const allowed = (direction: string, from: string, to: string, rule?: string): object => ({
      verdict: 'allow',
      mode: 'enforce',
      outcome: 'success',
      reason: rule === undefined ? 'not-isolated' : 'rule',
      direction,
      from,
      to,
      isolating: rule === undefined ? [] : ['x/only'],
      rule,
    });

    test('records the first packet of every flow, at both endpoints, also of relations cached before', async () => {
      for (let again = 0; again < 3; again += 1) expect(await call('client', 'server')).toBe('allowed');
      expect(await records()).toEqual([]);
      await apply(...cluster(recorded, onlyClient));
      for (let again = 0; again < 2; again += 1) expect(await call('client', 'server')).toBe('allowed');
      await expectRecords(
        allowed('egress', 'client', 'server'),
        allowed('egress', 'client', 'server'),
        allowed('ingress', 'client', 'server', 'ingress[0]'),
        allowed('ingress', 'client', 'server', 'ingress[0]'),
      );
    }, 30_000);

    test('and nothing more while a stream runs; a denial is recorded as ever', async () => {
      using stream = await lab.prober.openStream({ from: lab.netns('client.x'), to: address('server'), port: 81 });
      for (let again = 0; again < 10; again += 1) expect(await stream?.carries('toServer')).toBe(true);
      expect(await call('other', 'server', 81)).toBe('blocked');
      await expectRecords(
        allowed('egress', 'client', 'server'),
        allowed('ingress', 'client', 'server', 'ingress[0]'),
        allowed('egress', 'other', 'server'),
        { ...dryRunDenial('ingress', 'other', 'server', 'x/only'), mode: 'enforce', outcome: 'failure' },
      );
    }, 30_000);

    test('every packet is accounted for', async () => {
      // Losses are recorded within seconds.
      await delay(2500);
      expect(await trail.losses()).toEqual([]);
    }, 30_000);
  });

  describe('in a dry run as a whole', () => {
    beforeAll(
      () => begin({ mode: 'dry-run', 'unknown-pods': 'deny' }, ...cluster(plain, denyServer, denyClient)),
      90_000,
    );
    afterAll(() => lab[Symbol.asyncDispose](), 60_000);

    test('records what policies, unknown pods and the source guard would drop, and drops nothing', async () => {
      expect(await call('client', 'server')).toBe('allowed');
      expect(await call('ghost', 'server', 81)).toBe('allowed');
      const endpoints = { source: address('other'), destination: address('server'), protocol: 17 };
      const forged = udpDatagram({ ...endpoints, sourcePort: 5, destinationPort: 9 }, Buffer.from('x'));
      sendIp(lab.netns('client.x'), ipv4Packet(endpoints, forged));
      await until(async () => (await records()).some((one) => one['podwall.reason'] === 'source-guard'), 15_000);
      const recorded = (await records()).map((one) => [
        one['podwall.reason'],
        one['podwall.mode'],
        one['podwall.verdict'],
        one['event.outcome'],
      ]);
      const dryRun = (reason: string): unknown => [reason, 'dry-run', 'deny', 'success'];
      expect(recorded).toEqual(
        expect.arrayContaining([dryRun('default-deny'), dryRun('unknown-pod'), dryRun('source-guard')]),
      );
      expect(recorded.every(([, mode]) => mode === 'dry-run')).toBe(true);
    }, 30_000);

    test('records what a bridge brings to a pod past every policy, and lets it in', async () => {
      using capture = new Capture(lab.netns('server.x'), 'eth0');
      const mouth = inNamed(lab.netns('client.x'), () => socket(AF_INET, SOCK_DGRAM));
      sendTo(mouth, Buffer.from('to everybody'), socketAddress('224.0.0.251', 5353));
      close(mouth);
      expect(await capture.sees((frame) => frame.includes('to everybody'), 1500)).toBe(true);
      // Once, by the first that would have denied it, however many pods it was brought to.
      const record = await trail.find({ 'destination.address': '224.0.0.251' });
      expect(summary(record)).toMatchObject({ verdict: 'deny', mode: 'dry-run', outcome: 'success', from: 'client' });
    }, 30_000);
  });
});
