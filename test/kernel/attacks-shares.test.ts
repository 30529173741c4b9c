/** What one pod may fill of what all use, and associations of SCTP that are met in their middle. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import type { Flow } from '../support/lab/flows.js';
import type { Lab } from '../support/lab/lab.js';
import { ipv4Packet, sctpChunk, sctpInit, tcpFlags, tcpSegment, udpDatagram } from '../support/lab/packets.js';
import { Capture, sendAllIp, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';
import { app, threePodsAlone } from './three-pods.js';

const addresses = { client: '10.244.1.11', other: '10.244.1.12', server: '10.244.1.13', node: '10.244.1.1' } as const;
type Name = Exclude<keyof typeof addresses, 'node'>;
const objects: readonly Manifest[] = [
  node('n1'),
  namespace('x'),
  ...(['client', 'other', 'server'] as const).map((name, index) =>
    pod(`${name}.x`, { host: 11 + index, labels: { app: name } }),
  ),
];
const onlyFrom = (...names: readonly Name[]): Manifest =>
  policy('only.x', {
    podSelector: app('server'),
    ingress: names.map((name) => ({ from: [{ podSelector: app(name) }] })),
  });

const [heartbeat, data, cookieEcho, cookieAck] = [4, 0, 10, 11] as const;
/** That the packets of `sctpInit` announce. */
const tag = 0x01020304;

describePackets('shares of what packets fill', () => {
  let lab: Lab;
  let manifests: string;
  let agent: AgentProcess;
  const place = (name: Name): string => lab.netns(`${name}.x`);
  const start = async (): Promise<void> => {
    agent = await lab.startAgent('n1', { manifests });
  };
  const apply = async (...policies: readonly Manifest[]): Promise<void> => {
    const seen = agent.lines.length;
    await lab.writeManifests(manifests, { cluster: [...objects, ...policies] });
    await agent.applied(seen);
  };
  const endpoints = (from: Name, to: keyof typeof addresses, protocol: number) => ({
    ...{ source: addresses[from], destination: addresses[to], protocol },
  });
  /** Of SCTP, between port 5000 of the client or another, and port 80 of the server. */
  const sctp = (from: Name, to: Name, chunk: (ports: { sourcePort: number; destinationPort: number }) => Buffer) => {
    const [sourcePort, destinationPort] = from === 'server' ? [80, 5000] : [5000, 80];
    return ipv4Packet(endpoints(from, to, 132), chunk({ sourcePort, destinationPort }));
  };
  const arrives = async (from: Name, to: Name, type: number, text: string): Promise<boolean> => {
    using capture = new Capture(place(to), 'eth0');
    sendIp(
      place(from),
      sctp(from, to, (ports) => sctpChunk(ports, type, tag, Buffer.from(text))),
    );
    return await capture.sees((frame) => frame.includes(text));
  };
  const initArrives = async (from: Name, to: Name, type: 1 | 2, vtag: number): Promise<boolean> => {
    using capture = new Capture(place(to), 'eth0');
    const packet = sctp(from, to, (ports) => sctpInit(ports, type, vtag));
    sendIp(place(from), packet);
    return await capture.sees((frame) => frame.includes(packet.subarray(20)));
  };
  const stray = (from: Name, to: Name, count: number): readonly Buffer[] =>
    Array.from({ length: count }, (_, index) => {
      const tcp = {
        ...endpoints(from, to, 6),
        sourcePort: 1000 + (index % 60_000),
        destinationPort: 9000 + Math.floor(index / 60_000),
      };
      return ipv4Packet(tcp, tcpSegment(tcp, { flags: tcpFlags.ack }, Buffer.alloc(0)));
    });
  const open = async (from: Name): Promise<Flow> => {
    const flow = await lab.prober.openStream({ from: place(from), to: addresses.server, port: 80 });
    if (flow === undefined) throw new Error('the stream does not open');
    expect(await flow.carries('toServer')).toBe(true);
    return flow;
  };
  const forget = () => lab.run('n1', 'conntrack', '-F');

  beforeAll(async () => {
    ({ lab, manifests } = await threePodsAlone([]));
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test("without an agent a server's heartbeat and a stray packet arrive", async () => {
    expect(await arrives('server', 'client', heartbeat, 'heartbeat')).toBe(true);
    expect(await arrives('client', 'server', data, 'data that is denied')).toBe(true);
    using capture = new Capture(place('client'), 'eth0');
    const [packet = Buffer.alloc(0)] = stray('other', 'client', 1);
    sendIp(place('other'), packet);
    expect(await capture.sees((frame) => frame.includes(packet.subarray(20)))).toBe(true);
    await start();
  }, 30_000);

  describe('SCTP', () => {
    test("a cut association whose entry is gone is not revived by the server's heartbeat", async () => {
      await apply(onlyFrom('other'));
      await forget();
      for (const type of [heartbeat, data, cookieEcho])
        expect([type, await arrives('server', 'client', type, `from the server ${type}`)]).toEqual([type, false]);
      expect(await arrives('client', 'server', data, 'data after it')).toBe(false);
    });

    test('where both may talk to each other it goes on, and a policy that comes later cuts it', async () => {
      await apply();
      await forget();
      expect(await arrives('server', 'client', heartbeat, 'an open heartbeat')).toBe(true);
      expect(await arrives('client', 'server', data, 'open data')).toBe(true);
      await apply(onlyFrom('other'));
      expect(await arrives('client', 'server', data, 'cut data')).toBe(false);
      expect(await arrives('server', 'client', data, 'cut answer')).toBe(false);
    });

    test('one that begins with INIT is allowed as policies say, and goes on after a restart and a repair', async () => {
      await apply(onlyFrom('client'));
      await forget();
      expect(await initArrives('other', 'server', 1, 0)).toBe(false);
      expect(await initArrives('client', 'server', 1, 0)).toBe(true);
      expect(await initArrives('server', 'client', 2, tag)).toBe(true);
      expect(await arrives('client', 'server', cookieEcho, 'cookie')).toBe(true);
      expect(await arrives('server', 'client', cookieAck, 'cookie ack')).toBe(true);
      await agent.kill();
      await start();
      expect(await arrives('client', 'server', data, 'after a restart')).toBe(true);
      await lab.run('n1', 'nft', 'delete', 'table', 'inet', 'podwall');
      await until(async () => Number((await agent.status())['repairs']) > 0);
      expect(await arrives('client', 'server', data, 'after a repair')).toBe(true);
      expect(await arrives('server', 'client', heartbeat, 'after a repair, too')).toBe(true);
    }, 30_000);
  });

  describe('70,000 stray packets of one pod, and of its accomplice', () => {
    test("another's stream survives the loss of its entry, and a stream of theirs that was cut does not go on", async () => {
      await apply();
      await forget();
      using theirs = await open('other');
      using anothers = await open('client');
      sendAllIp(place('other'), stray('other', 'client', 70_000));
      sendAllIp(place('server'), stray('server', 'other', 5_000));
      await forget();
      // Picked up where its server, or its client, speaks next.
      expect(await anothers.carries('toServer')).toBe(true);
      expect(await anothers.carries('toClient')).toBe(true);
      await theirs.carries('toClient');
      await apply(onlyFrom('client'));
      expect(await theirs.carries('toServer')).toBe(false);
      expect(await theirs.carries('toClient')).toBe(false);
    }, 60_000);
  });

  describe('70,000 relations of one pod', () => {
    test('take a share of the verdict cache, and no more', async () => {
      await apply(onlyFrom('other', 'client'));
      const to = (index: number): Buffer => {
        const udp = { ...endpoints('other', 'server', 17), sourcePort: 4000, destinationPort: 1 + (index % 65_000) };
        return ipv4Packet(udp, udpDatagram(udp, Buffer.alloc(0)));
      };
      sendAllIp(
        place('other'),
        Array.from({ length: 65_000 }, (_, index) => to(index)),
      );
      const { stdout } = await lab.run('n1', 'sh', '-c', 'nft -t list sets inet | grep -o "cache4-[0-9]*"');
      const sizes = await Promise.all(
        stdout
          .trim()
          .split('\n')
          .map(async (name) => {
            const listed = await lab.run('n1', 'nft', 'list', 'set', 'inet', 'podwall', name);
            return [...listed.stdout.matchAll(/10\.244\.1\.12 \. /g)].length;
          }),
      );
      expect(Math.max(...sizes)).toBeGreaterThan(1000);
      expect(Math.max(...sizes)).toBeLessThan(10_000);
    }, 60_000);
  });

  describe('conntrack, filled by flows of one pod to the node itself', () => {
    test("nothing denied passes, and others' new flows are answered", async () => {
      await apply(onlyFrom('client'));
      // The limit is the machine's, and is only read in a network namespace: this fills a large part of any room, and what
      // is over it makes the kernel drop unanswered ones.
      const flood = (port: number): readonly Buffer[] =>
        Array.from({ length: 60_000 }, (_, index) => {
          const udp = { ...endpoints('other', 'node', 17), sourcePort: 1000 + index, destinationPort: port };
          return ipv4Packet(udp, udpDatagram(udp, Buffer.alloc(0)));
        });
      for (const port of [9001, 9002]) sendAllIp(place('other'), flood(port));
      const entries = Number((await lab.run('n1', 'cat', '/proc/sys/net/netfilter/nf_conntrack_count')).stdout);
      expect(entries).toBeGreaterThan(50_000);
      const probes = (['client', 'other'] as const).map((name) => ({
        ...{ from: place(name), to: addresses.server, port: 80, protocol: 'TCP' as const },
      }));
      expect(await lab.prober.probe(probes, 1000)).toEqual(['allowed', 'blocked']);
      await forget();
    }, 60_000);
  });
});
