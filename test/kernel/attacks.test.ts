/**
 * Ways around a policy, tried as a hostile pod would. Each is tried twice: without Podwall it arrives, which shows that
 * the attack works; with Podwall, under policies that forbid it, it does not.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { Flow } from '../support/lab/flows.js';
import {
  arpPacket,
  broadcastHardware,
  ethernetFrame,
  etherType,
  groupHardware,
  type VlanTag,
} from '../support/lab/frames.js';
import { linkLocalOf } from '../support/lab/hostile-packets.js';
import { Lab, labNode, type LabPod } from '../support/lab/lab.js';
import { icmpError, ipv4Packet, tcpFlags, tcpSegment, udpDatagram } from '../support/lab/packets.js';
import * as packets6 from '../support/lab/packets6.js';
import { Capture, hardwareAddressOf, sendFrame, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';

/** evil and victim share node n1 and its bridge; friend may talk to victim; far is routed to, on n2. */
const names = ['evil', 'victim', 'friend', 'far'] as const;
type Name = (typeof names)[number];
const addressesOf: Readonly<Record<Name, readonly [string, string]>> = {
  evil: ['10.244.1.11', 'fd00:10:244:1::11'],
  victim: ['10.244.1.12', 'fd00:10:244:1::12'],
  friend: ['10.244.1.13', 'fd00:10:244:1::13'],
  far: ['10.244.2.11', 'fd00:10:244:2::11'],
};
const nodeOf = (name: Name): 'n1' | 'n2' => (name === 'far' ? 'n2' : 'n1');
const port = 8080;

const role = (name: Name): object => ({ matchLabels: { role: name } });
const manifests: readonly Manifest[] = [
  node('n1'),
  node('n2'),
  namespace('x'),
  ...names.map((name) =>
    pod(`${name}.x`, { node: nodeOf(name), addresses: addressesOf[name], labels: { role: name } }),
  ),
  policy('nothing.x', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  policy('victim.x', {
    podSelector: role('victim'),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: role('friend') }] }],
    egress: [{ to: [{ podSelector: role('far') }] }],
  }),
  policy('friend.x', { podSelector: role('friend'), policyTypes: ['Egress'], egress: [{}] }),
  policy('far.x', { podSelector: role('far'), ingress: [{ from: [{ podSelector: role('victim') }] }] }),
];

describePackets('ways around a policy', () => {
  let lab: Lab;
  /** A flow of others that stays allowed, and one of the attacker's that a policy cuts. */
  let allowedFlow: Flow;
  let cutFlow: Flow;

  const place = (name: Name): string => lab.netns(`${name}.x`);
  const hardware = (name: Name): Buffer => hardwareAddressOf(place(name), 'eth0');
  const four = (name: Name): string => addressesOf[name][0];
  const six = (name: Name): string => addressesOf[name][1];

  const udp = (source: string, destination: string, text: string): Buffer => {
    const endpoints = { source, destination, protocol: 17, sourcePort: 4000, destinationPort: port };
    const datagram = udpDatagram(endpoints, Buffer.from(text));
    return source.includes(':') ? packets6.ipv6Packet(endpoints, datagram) : ipv4Packet(endpoints, datagram);
  };
  const frameTo = (destination: Buffer, packet: Buffer, tags: readonly VlanTag[] = []): void => {
    const type = (packet[0] ?? 0) >> 4 === 6 ? etherType.ipv6 : etherType.ipv4;
    sendFrame(place('evil'), 'eth0', ethernetFrame({ source: hardware('evil'), destination, type, tags }, packet));
  };
  /** An ICMP error about a flow, carrying bytes of the attacker's choice behind the quoted header. */
  const errorAbout = (flow: Flow, from: Name, to: Name, client: Name, text: string): Buffer => {
    const quoted = {
      source: four(client),
      destination: four('far'),
      protocol: 17,
      sourcePort: flow.sourcePort,
      destinationPort: port,
    };
    const original = ipv4Packet(quoted, udpDatagram(quoted, Buffer.from(text)));
    return ipv4Packet({ source: four(from), destination: four(to), protocol: 1 }, icmpError(3, 3, original));
  };
  const ack = (source: string, destination: string, text: string): Buffer => {
    const endpoints = { source, destination, protocol: 6, sourcePort: 4001, destinationPort: port };
    const flags = tcpFlags.ack | tcpFlags.psh;
    return ipv4Packet(endpoints, tcpSegment(endpoints, { flags, sequence: 9, acknowledgement: 9 }, Buffer.from(text)));
  };
  const icmp6 = packets6.ipv6NextHeader.icmpv6;
  const priorityTag = (type: VlanTag['type']): VlanTag => ({ type, id: 0, priority: 5 });

  interface Attack {
    readonly title: string;
    readonly at: Name;
    readonly send: (text: string) => void;
  }
  const attacks: readonly Attack[] = [
    {
      title: 'UDP, plainly',
      at: 'victim',
      send: (text) => sendIp(place('evil'), udp(four('evil'), four('victim'), text)),
    },
    {
      title: 'UDP over IPv6, plainly',
      at: 'far',
      send: (text) => sendIp(place('evil'), udp(six('evil'), six('far'), text)),
    },
    {
      title: "an ICMP error that quotes others' live flow",
      at: 'victim',
      send: (text) => sendIp(place('evil'), errorAbout(allowedFlow, 'evil', 'victim', 'victim', text)),
    },
    {
      title: 'an ICMP error that quotes a flow which policy has cut',
      at: 'evil',
      send: (text) => sendIp(place('far'), errorAbout(cutFlow, 'far', 'evil', 'evil', text)),
    },
    {
      title: 'payload in a neighbour advertisement to a routed pod',
      at: 'far',
      send: (text) => {
        const endpoints = { source: six('evil'), destination: six('far'), protocol: icmp6, ttl: 255 };
        const payload = { target: six('evil'), hardware: Buffer.alloc(6), payload: Buffer.from(text) };
        sendIp(place('evil'), packets6.ipv6Packet(endpoints, packets6.neighbourAdvertisement(endpoints, payload)));
      },
    },
    {
      title: 'payload in a multicast listener report to a routed pod',
      at: 'far',
      send: (text) => {
        const endpoints = { source: six('evil'), destination: six('far'), protocol: icmp6 };
        const payload = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4));
        sendIp(
          place('evil'),
          packets6.ipv6Packet(endpoints, packets6.listenerReport(endpoints, 'ff02::1234', payload)),
        );
      },
    },
    ...(
      [
        ['a priority tag', [priorityTag(etherType.vlan)]],
        ['an 802.1ad priority tag', [priorityTag(etherType.serviceVlan)]],
        ['two priority tags', [priorityTag(etherType.serviceVlan), priorityTag(etherType.vlan)]],
      ] as const
    ).map(([title, tags]): Attack => ({
      title: `a frame with ${title}`,
      at: 'victim',
      send: (text) => frameTo(hardware('victim'), udp(four('evil'), four('victim'), text), tags),
    })),
    ...(
      [
        ['the limited broadcast address', '255.255.255.255', broadcastHardware],
        ["the subnet's broadcast address", '10.244.1.255', broadcastHardware],
        ['an IPv4 group', '224.0.0.1', Buffer.from([1, 0, 0x5e, 0, 0, 1])],
      ] as const
    ).map(([title, destination, to]): Attack => ({
      title: `UDP to ${title}`,
      at: 'victim',
      send: (text) => frameTo(to, udp(four('evil'), destination, text)),
    })),
    {
      title: 'UDP to all IPv6 nodes of the link',
      at: 'victim',
      send: (text) => frameTo(groupHardware('ff02::1'), udp(six('evil'), 'ff02::1', text)),
    },
    {
      title: "UDP to the victim's link-local address",
      at: 'victim',
      send: (text) => frameTo(hardware('victim'), udp('fe80::1234', linkLocalOf(hardware('victim')), text)),
    },
    {
      title: "a friend's address as the source",
      at: 'victim',
      send: (text) => frameTo(hardware('victim'), udp(four('friend'), four('victim'), text)),
    },
    {
      title: "a friend's IPv6 address as the source",
      at: 'victim',
      send: (text) => frameTo(hardware('victim'), udp(six('friend'), six('victim'), text)),
    },
    {
      title: 'the middle of a stream that nobody opened',
      at: 'victim',
      send: (text) => sendIp(place('evil'), ack(four('evil'), four('victim'), text)),
    },
    {
      title: 'a packet that conntrack calls invalid',
      at: 'victim',
      send: (text) => {
        const endpoints = {
          source: four('evil'),
          destination: four('victim'),
          protocol: 6,
          sourcePort: 4002,
          destinationPort: port,
        };
        const flags = tcpFlags.syn | tcpFlags.fin | tcpFlags.rst;
        sendIp(place('evil'), ipv4Packet(endpoints, tcpSegment(endpoints, { flags }, Buffer.from(text))));
      },
    },
    {
      title: "an ARP answer with the friend's address",
      at: 'victim',
      send: (text) => {
        const claim = { hardware: hardware('evil'), address: four('friend') };
        const target = { hardware: hardware('victim'), address: four('victim') };
        const header = { source: hardware('evil'), destination: hardware('victim'), type: etherType.arp };
        const packet = arpPacket({ operation: 'reply', sender: claim, target });
        // Padding, as short frames have it: here it is the mark.
        sendFrame(place('evil'), 'eth0', ethernetFrame(header, Buffer.concat([packet, Buffer.from(text)])));
      },
    },
    {
      title: 'a router advertisement',
      at: 'victim',
      send: (text) => {
        const endpoints = { source: 'fe80::1234', destination: 'ff02::1', protocol: icmp6, ttl: 255 };
        const message = packets6.icmpv6Message(
          endpoints,
          { type: 134 },
          Buffer.concat([Buffer.alloc(12), Buffer.from(text)]),
        );
        frameTo(groupHardware('ff02::1'), packets6.ipv6Packet(endpoints, message));
      },
    },
  ];

  let count = 0;
  const arrives = async ({ at, send }: Attack): Promise<boolean> => {
    count += 1;
    const text = `attack-${count}-`;
    using capture = new Capture(place(at), 'eth0');
    send(text);
    return await capture.sees((frame) => frame.includes(text), 300);
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    await lab.addPods(
      names.map((name): LabPod => ({ namespace: 'x', name, node: nodeOf(name), addresses: addressesOf[name] })),
    );
    for (const name of names) lab.prober.serve(place(name), port, 'UDP');
    const toFar = (from: Name): Flow =>
      lab.prober.openUdpFlow({ from: place(from), to: four('far'), port, server: place('far') });
    [allowedFlow, cutFlow] = [toFar('victim'), toFar('evil')];
    for (const flow of [allowedFlow, cutFlow]) expect(await flow.carries('toServer')).toBe(true);
  }, 60_000);
  afterAll(async () => {
    for (const flow of [allowedFlow, cutFlow]) flow[Symbol.dispose]();
    await lab[Symbol.asyncDispose]();
  }, 60_000);

  // The table is made when the tests are collected; only its functions touch the lab.
  describe('without Podwall, which shows that they work', () => {
    test.each(attacks)('$title', async (attack) => {
      expect(await arrives(attack)).toBe(true);
    });
  });

  describe('with Podwall', () => {
    beforeAll(async () => {
      const directory = join(lab.folder, 'manifests');
      await lab.writeManifests(directory, { cluster: manifests });
      for (const name of lab.nodeNames) await lab.startAgent(name, { manifests: directory });
    }, 60_000);

    test('the flow that policy allows goes on, the other is cut', async () => {
      // The control's forged error still waits at the socket; the first send takes it.
      allowedFlow.send('toServer');
      expect(await allowedFlow.carries('toServer')).toBe(true);
      expect(await allowedFlow.carries('toClient')).toBe(true);
      expect(await cutFlow.carries('toServer')).toBe(false);
    });

    test('an error of an end of an allowed flow still passes', async () => {
      const attack = {
        at: 'victim',
        send: (text: string) => sendIp(place('far'), errorAbout(allowedFlow, 'far', 'victim', 'victim', text)),
      } as const;
      expect(await arrives({ title: 'a true error', ...attack })).toBe(true);
    });

    test.each(attacks)('$title', async (attack) => {
      expect(await arrives(attack)).toBe(false);
    });
  });
});
