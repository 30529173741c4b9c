/**
 * What is no plain connection: errors of live flows, neighbour discovery, fragments, extension headers. Isolation must
 * neither break what belongs to an allowed flow nor let it carry what is denied.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { ipv4Fragments, ipv4Packet, udpDatagram } from '../support/lab/packets.js';
import * as packets6 from '../support/lab/packets6.js';
import { Capture, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';

const port = 8080;
/** client and denied on n1's bridge, server and its neighbour on n2's. */
const pods = {
  client: { node: 'n1', addresses: ['10.244.1.11', 'fd00:10:244:1::11'] },
  denied: { node: 'n1', addresses: ['10.244.1.12', 'fd00:10:244:1::12'] },
  server: { node: 'n2', addresses: ['10.244.2.12', 'fd00:10:244:2::12'] },
  beside: { node: 'n2', addresses: ['10.244.2.13', 'fd00:10:244:2::13'] },
} as const;
type Name = keyof typeof pods;
const names = Object.keys(pods) as Name[];
const role = (name: Name): object => ({ matchLabels: { role: name } });
const from = (...peers: readonly Name[]): object => ({ from: peers.map((name) => ({ podSelector: role(name) })) });
const manifests: readonly Manifest[] = [
  node('n1'),
  node('n2'),
  namespace('x'),
  ...names.map((name) => pod(`${name}.x`, { ...pods[name], labels: { role: name } })),
  policy('deny-all.x', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  policy('server.x', {
    podSelector: role('server'),
    ingress: [{ ...from('client', 'beside'), ports: [{ port }, { port, protocol: 'UDP' }] }],
  }),
  policy('egress.x', { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: role('server') }] }] }),
];
const families = [4, 6] as const;
type FamilyNumber = (typeof families)[number];

describePackets('beside plain connections, under deny-all with one exception', () => {
  let lab: Lab;
  const place = (name: Name): string => lab.netns(`${name}.x`);
  const address = (name: Name, family: FamilyNumber): string => pods[name].addresses[family === 4 ? 0 : 1];
  const reaches = async (source: Name, family: FamilyNumber): Promise<boolean> => {
    const to = address('server', family);
    const [outcome] = await lab.prober.probe([{ from: place(source), to, port, protocol: 'TCP' }], 1500);
    return outcome === 'allowed';
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'bridge')]);
    await lab.addPods(names.map((name) => ({ namespace: 'x', name, ...pods[name] })));
    for (const protocol of ['TCP', 'UDP'] as const) lab.prober.serve(place('server'), port, protocol);
    const directory = join(lab.folder, 'manifests');
    await lab.writeManifests(directory, { cluster: manifests });
    for (const name of lab.nodeNames) await lab.startAgent(name, { manifests: directory }, { pidNamespace: 'host' });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  describe.each(families)('path MTU discovery, IPv%i', (family) => {
    const ip = (...args: readonly string[]) => lab.run('outside', 'ip', `-${family}`, 'route', ...args);
    const router = family === 4 ? '172.30.0.100' : 'fd00:172:30::100';
    const farNode = family === 4 ? '172.30.0.2' : 'fd00:172:30::2';
    const range = family === 4 ? '10.244.2.0/24' : 'fd00:10:244:2::/64';

    // A router on the way has a smaller link: it informs the client by an ICMP error, which is no packet of the flow.
    beforeAll(async () => {
      await lab.run('n1', 'ip', `-${family}`, 'route', 'replace', range, 'via', router);
      await ip('replace', range, 'via', farNode, 'mtu', 'lock', '1300');
      await lab.run('outside', 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects');
    });
    afterAll(async () => {
      await lab.run('n1', 'ip', `-${family}`, 'route', 'replace', range, 'via', farNode);
      await ip('replace', range, 'via', farNode);
    });

    test('without the error a stream hangs, which shows that it is needed', async () => {
      await lab.run('n1', 'nft', 'add table inet lost');
      await lab.run('n1', 'nft', 'add chain inet lost prerouting { type filter hook prerouting priority 0; }');
      await lab.run('n1', 'nft', 'add rule inet lost prerouting icmp type destination-unreachable drop');
      await lab.run('n1', 'nft', 'add rule inet lost prerouting icmpv6 type packet-too-big drop');
      const stream = await lab.prober.openStream({ from: place('client'), to: address('server', family), port });
      expect(await stream?.carries('toServer', 400)).toBe(true);
      expect(await stream?.carries('toServer', 1000, 6000)).toBe(false);
      stream?.[Symbol.dispose]();
      await lab.run('n1', 'nft', 'delete table inet lost');
    });

    test("the error of an allowed stream reaches its client, and the stream's packets shrink", async () => {
      using stream = await lab.prober.openStream({ from: place('client'), to: address('server', family), port });
      expect(await stream?.carries('toServer', 2000, 6000)).toBe(true);
      const learned = await lab.run('client.x', 'ip', 'route', 'get', address('server', family));
      expect(learned.stdout).toContain('mtu 1300');
    });
  });

  describe.each(families)('neighbours, IPv%i', (family) => {
    test('are resolved anew under deny-all, so that what is allowed stays allowed', async () => {
      for (const where of [...names.map((name) => `${name}.x`), ...lab.nodeNames])
        await lab.run(where, 'ip', 'neigh', 'flush', 'all');
      expect(await reaches('beside', family)).toBe(true);
      expect(await reaches('client', family)).toBe(true);
      expect(await reaches('denied', family)).toBe(false);
    });

    test("a pod's own node resolves and reaches it", async () => {
      await lab.run('n2', 'ip', 'neigh', 'flush', 'all');
      const to = address('server', family);
      const [outcome] = await lab.prober.probe([{ from: lab.netns('n2'), to, port, protocol: 'TCP' }], 1500);
      expect(outcome).toBe('allowed');
    });
  });

  describe('fragments and extension headers', () => {
    const endpointsOf = (source: Name, family: FamilyNumber) => ({
      source: address(source, family),
      destination: address('server', family),
      protocol: 17,
      sourcePort: 4000,
      destinationPort: port,
    });
    const { fragment, hopByHop, destinationOptions } = packets6.ipv6NextHeader;
    const headed =
      (first: number, build: (udp: Buffer) => readonly Buffer[]) =>
      (source: Name, text: string): readonly Buffer[] => {
        const endpoints = endpointsOf(source, 6);
        return build(udpDatagram(endpoints, Buffer.from(text))).map((payload) =>
          packets6.ipv6Packet({ ...endpoints, protocol: first }, payload),
        );
      };
    /** Packets of one UDP datagram with a text of 64 bytes, in pieces. */
    const forms: readonly { title: string; packets: (source: Name, text: string) => readonly Buffer[] }[] = [
      {
        title: 'two IPv4 fragments',
        packets: (source, text) => {
          const endpoints = endpointsOf(source, 4);
          return ipv4Fragments(ipv4Packet(endpoints, udpDatagram(endpoints, Buffer.from(text))), 16);
        },
      },
      {
        title: 'IPv4 fragments, the last one first',
        packets: (source, text) => {
          const endpoints = endpointsOf(source, 4);
          return [...ipv4Fragments(ipv4Packet(endpoints, udpDatagram(endpoints, Buffer.from(text))), 16)].reverse();
        },
      },
      {
        title: 'two IPv6 fragments',
        packets: headed(fragment, (udp) => [
          packets6.withFragmentHeader({ nextHeader: 17, offset: 0, more: true }, udp.subarray(0, 16)),
          packets6.withFragmentHeader({ nextHeader: 17, offset: 16, more: false }, udp.subarray(16)),
        ]),
      },
      {
        title: 'an atomic IPv6 fragment',
        packets: headed(fragment, (udp) => [
          packets6.withFragmentHeader({ nextHeader: 17, offset: 0, more: false }, udp),
        ]),
      },
      {
        title: 'hop-by-hop options',
        packets: headed(hopByHop, (udp) => [packets6.withOptions(17, udp, 'padding')]),
      },
      {
        title: 'destination options behind hop-by-hop options',
        packets: headed(hopByHop, (udp) => [
          packets6.withOptions(destinationOptions, packets6.withOptions(17, udp, 'padding'), 'padding'),
        ]),
      },
    ];
    let count = 0;
    /** Whether any piece of the datagram arrives whose bytes are the text's last. */
    const arrives = async (source: Name, packets: (source: Name, text: string) => readonly Buffer[]) => {
      count += 1;
      const end = `piece-${count};`;
      using capture = new Capture(place('server'), 'eth0');
      for (const packet of packets(source, end.padStart(64, '.'))) sendIp(place(source), packet);
      return await capture.sees((frame) => frame.includes(end), 500);
    };

    test.each(forms)('$title: what is allowed arrives, what is denied does not', async ({ packets }) => {
      expect(await arrives('client', packets)).toBe(true);
      expect(await arrives('denied', packets)).toBe(false);
    });

    test.each(families)('a datagram larger than the link, and its answer, over IPv%i', async (family) => {
      const endpoints = { to: address('server', family), port, server: place('server') };
      using flow = lab.prober.openUdpFlow({ from: place('client'), ...endpoints });
      expect(await flow.carries('toServer', 600, 4000)).toBe(true);
      expect(await flow.carries('toClient', 600, 4000)).toBe(true);
      using closed = lab.prober.openUdpFlow({ from: place('denied'), ...endpoints });
      expect(await closed.carries('toServer', 600, 4000)).toBe(false);
    });
  });
});
