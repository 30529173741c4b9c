/**
 * What a hostile pod sends from its own link, as itself: into tunnels that its node ends, to the node's loopback, along a
 * route of its choice, with claims that are not its own, and with bytes where no policy looks. Each attack is tried without
 * Podwall first, where it arrives. What honest pods send arrives both times.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import {
  arpPacket,
  broadcastHardware,
  ethernetFrame,
  etherType,
  groupHardware,
  solicitedNodeGroup,
} from '../support/lab/frames.js';
import { Lab, labNode, type LabPod } from '../support/lab/lab.js';
import { ipv4Fragments, ipv4Packet, udpDatagram } from '../support/lab/packets.js';
import * as packets6 from '../support/lab/packets6.js';
import { Capture, hardwareAddressOf, sendFrame } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';
import { linkLocalOf, vxlanPacket, withIpv4Options, type Claim } from '../support/lab/hostile-packets.js';

/**
 * On the bridge of n1: evil and peer, which nobody isolates; victim, which hears its friend only. Routed on n2: far, which
 * nobody isolates, and shut, which hears peer only. No agent knows ghost, beside evil.
 */
const names = ['evil', 'peer', 'victim', 'friend', 'far', 'shut', 'ghost'] as const;
type Name = (typeof names)[number];
const addressesOf: Readonly<Record<Name, readonly [string, string]>> = {
  evil: ['10.244.1.11', 'fd00:10:244:1::11'],
  peer: ['10.244.1.12', 'fd00:10:244:1::12'],
  victim: ['10.244.1.13', 'fd00:10:244:1::13'],
  friend: ['10.244.1.14', 'fd00:10:244:1::14'],
  far: ['10.244.2.11', 'fd00:10:244:2::11'],
  shut: ['10.244.2.12', 'fd00:10:244:2::12'],
  ghost: ['10.244.1.15', 'fd00:10:244:1::15'],
};
const nodeOf = (name: Name): 'n1' | 'n2' => (name === 'far' || name === 'shut' ? 'n2' : 'n1');
const nodeAddresses = { n1: ['172.30.0.1', 'fd00:172:30::1'], n2: ['172.30.0.2', 'fd00:172:30::2'] } as const;
const outside = ['172.30.0.100', 'fd00:172:30::100'] as const;
const [vxlanPort, port] = [4789, 8080];

const role = (name: Name): object => ({ matchLabels: { role: name } });
const hears = (name: Name, from: Name): Manifest =>
  policy(`${name}.x`, {
    podSelector: role(name),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: role(from) }] }],
  });
const manifests: readonly Manifest[] = [
  node('n1'),
  node('n2'),
  namespace('x'),
  ...names
    .filter((name) => name !== 'ghost')
    .map((name) => pod(`${name}.x`, { node: nodeOf(name), addresses: addressesOf[name], labels: { role: name } })),
  hears('victim', 'friend'),
  hears('shut', 'peer'),
];

describePackets('what a hostile pod sends from its link', () => {
  let lab: Lab;
  const place = (at: string): string => lab.netns(at in addressesOf ? `${at}.x` : at);
  const hardware = (at: Name): Buffer => hardwareAddressOf(place(at), 'eth0');
  const gateway = (from: Name): Buffer =>
    from === 'far' ? hardwareAddressOf(place('n2'), farDevice) : hardwareAddressOf(place('n1'), 'cni0');
  let farDevice = '';
  const four = (name: Name): string => addressesOf[name][0];
  const six = (name: Name): string => addressesOf[name][1];
  const own6 = (name: Name): string => linkLocalOf(hardware(name));

  const send = (from: Name, destination: Buffer, type: number, packet: Buffer): void =>
    sendFrame(place(from), 'eth0', ethernetFrame({ source: hardware(from), destination, type }, packet));
  const sendIp = (from: Name, destination: Buffer, packet: Buffer): void =>
    send(from, destination, (packet[0] ?? 0) >> 4 === 6 ? etherType.ipv6 : etherType.ipv4, packet);

  const udp = (source: string, destination: string, to: number, payload: Buffer): Buffer => {
    const endpoints = { source, destination, protocol: 17, sourcePort: 4000, destinationPort: to };
    const datagram = udpDatagram(endpoints, payload);
    return source.includes(':') ? packets6.ipv6Packet(endpoints, datagram) : ipv4Packet(endpoints, datagram);
  };
  /** A datagram from whom the receiver hears, in a tunnel to a node. */
  const inTunnel = (of: 'n1' | 'n2', id: 7 | 8, text: string): Buffer => {
    const [source, destination] = of === 'n1' ? [four('friend'), four('victim')] : [four('peer'), four('shut')];
    const inner = udp(source, destination, port, Buffer.from(text));
    const header = {
      source: Buffer.from([2, 0, 0, 0, 0, 9]),
      destination: hardwareAddressOf(place(of), `vx${id}`),
      type: etherType.ipv4,
    };
    return vxlanPacket(id, ethernetFrame(header, inner));
  };
  const behindOptions = (packet: Buffer): Buffer => {
    const [next, payload] = [packet[6] ?? 0, packet.subarray(40)];
    const body = packets6.withOptions(next, payload, 'padding');
    const header = Buffer.from(packet.subarray(0, 40));
    header.writeUInt16BE(body.length, 4);
    header.writeUInt8(packets6.ipv6NextHeader.destinationOptions, 6);
    return Buffer.concat([header, body]);
  };

  const icmp6 = packets6.ipv6NextHeader.icmpv6;
  interface Message {
    readonly source: string;
    readonly destination: string;
    readonly type: number;
    readonly body: Buffer;
  }
  const message6 = ({ source, destination, type, body }: Message): Buffer => {
    const endpoints = { source, destination, protocol: icmp6, ttl: 255 };
    return packets6.ipv6Packet(endpoints, packets6.icmpv6Message(endpoints, { type }, body));
  };
  const claimBody = ({ target, option, hardware: at, flags = 0, mark = '', nonce = false }: Claim): Buffer =>
    Buffer.concat([
      Buffer.from([flags, 0, 0, 0]),
      packets6.neighbourTarget(target),
      ...(nonce ? [Buffer.from([14, 1]), Buffer.from(mark.padEnd(6).slice(0, 6))] : []),
      ...(option === undefined || at === undefined ? [] : [Buffer.from([option, 1]), at]),
      ...(nonce ? [] : packets6.unknownOption(mark)),
    ]);
  /** An advertisement, or a solicitation without a source, whose target is marked by where it goes. */
  const claims = (source: string, destination: string, claim: Claim): Buffer =>
    message6({ source, destination, type: claim.type, body: claimBody(claim) });
  const arp = (from: Name, sender: string, target: string, padding = ''): Buffer =>
    Buffer.concat([
      arpPacket({
        operation: 'request',
        sender: { hardware: hardware(from), address: sender },
        target: { hardware: Buffer.alloc(6), address: target },
      }),
      Buffer.from(padding),
    ]);
  const allNodes = 'ff02::1';
  const option = { source: 1, target: 2 } as const;

  interface Sent {
    readonly title: string;
    /** Whose device is listened on; a node's is its bridge. */
    readonly at: Name | 'n1' | 'outside' | 'n2';
    /** @returns what the frame that arrives has in it */
    readonly send: (mark: string) => Buffer | string;
  }
  const marked =
    (sent: (mark: string) => void): Sent['send'] =>
    (mark) => {
      sent(mark);
      return mark;
    };
  const whole =
    (make: () => { readonly to: Buffer; readonly packet: Buffer }): Sent['send'] =>
    () => {
      const { to, packet } = make();
      sendIp('evil', to, packet);
      return packet;
    };
  const toAll = (packet: Buffer): { to: Buffer; packet: Buffer } => ({ to: groupHardware(allNodes), packet });

  const tunnels: readonly Sent[] = [
    {
      title: 'VXLAN to its own node',
      at: 'victim',
      send: marked((mark) =>
        sendIp('evil', gateway('evil'), udp(four('evil'), nodeAddresses.n1[0], vxlanPort, inTunnel('n1', 7, mark))),
      ),
    },
    {
      title: "VXLAN to its bridge's address",
      at: 'victim',
      send: marked((mark) =>
        sendIp('evil', gateway('evil'), udp(four('evil'), '10.244.1.1', vxlanPort, inTunnel('n1', 7, mark))),
      ),
    },
    {
      title: 'VXLAN to its own node over IPv6',
      at: 'victim',
      send: marked((mark) =>
        sendIp('evil', gateway('evil'), udp(six('evil'), nodeAddresses.n1[1], vxlanPort, inTunnel('n1', 8, mark))),
      ),
    },
    {
      title: 'VXLAN over IPv6 behind destination options',
      at: 'victim',
      send: marked((mark) =>
        sendIp(
          'evil',
          gateway('evil'),
          behindOptions(udp(six('evil'), nodeAddresses.n1[1], vxlanPort, inTunnel('n1', 8, mark))),
        ),
      ),
    },
    {
      title: 'VXLAN in fragments',
      at: 'victim',
      send: marked((mark) => {
        const packet = udp(four('evil'), nodeAddresses.n1[0], vxlanPort, inTunnel('n1', 7, mark));
        for (const part of ipv4Fragments(packet, 24)) sendIp('evil', gateway('evil'), part);
      }),
    },
    {
      title: 'VXLAN behind IPv4 options',
      at: 'victim',
      send: marked((mark) => {
        const packet = udp(four('evil'), nodeAddresses.n1[0], vxlanPort, inTunnel('n1', 7, mark));
        sendIp('evil', gateway('evil'), withIpv4Options(packet, Buffer.from([1, 1, 1, 0])));
      }),
    },
    {
      title: 'VXLAN to another node',
      at: 'shut',
      send: marked((mark) =>
        sendIp('evil', gateway('evil'), udp(four('evil'), nodeAddresses.n2[0], vxlanPort, inTunnel('n2', 7, mark))),
      ),
    },
    {
      title: 'VXLAN of a routed pod to its node',
      at: 'shut',
      send: marked((mark) =>
        sendIp('far', gateway('far'), udp(four('far'), nodeAddresses.n2[0], vxlanPort, inTunnel('n2', 7, mark))),
      ),
    },
    ...([4, 41, 47] as const).map((protocol): Sent => ({
      title: `protocol ${protocol} to its node`,
      at: 'n1',
      send: marked((mark) =>
        sendIp(
          'evil',
          gateway('evil'),
          ipv4Packet({ source: four('evil'), destination: nodeAddresses.n1[0], protocol }, Buffer.from(mark)),
        ),
      ),
    })),
    {
      title: 'protocol 41 to its node over IPv6',
      at: 'n1',
      send: marked((mark) =>
        sendIp(
          'evil',
          gateway('evil'),
          packets6.ipv6Packet(
            { source: six('evil'), destination: nodeAddresses.n1[1], protocol: 41 },
            Buffer.from(mark),
          ),
        ),
      ),
    },
  ];

  const routes: readonly Sent[] = [
    {
      title: "the node's loopback",
      at: 'n1',
      send: marked((mark) => sendIp('evil', gateway('evil'), udp(four('evil'), '127.0.0.1', port, Buffer.from(mark)))),
    },
    {
      title: "the node's loopback over IPv6",
      at: 'n1',
      send: marked((mark) => sendIp('evil', gateway('evil'), udp(six('evil'), '::1', port, Buffer.from(mark)))),
    },
    ...([131, 137] as const).map((kind): Sent => ({
      title: kind === 131 ? 'a loose source route' : 'a strict source route',
      at: 'n1',
      send: marked((mark) => {
        const route = Buffer.from([kind, 7, 4, 10, 244, 1, 13, 0]);
        sendIp(
          'evil',
          gateway('evil'),
          withIpv4Options(udp(four('evil'), '10.244.1.1', port, Buffer.from(mark)), route),
        );
      }),
    })),
    {
      title: 'a routing header with segments left',
      at: 'n1',
      send: marked((mark) =>
        sendIp(
          'evil',
          gateway('evil'),
          packets6.routed(udp(six('evil'), nodeAddresses.n1[1], port, Buffer.from(mark)), six('victim'), 1),
        ),
      ),
    },
    {
      title: 'a second routing header behind a used one',
      at: 'n1',
      send: marked((mark) => {
        const once = packets6.routed(udp(six('evil'), nodeAddresses.n1[1], port, Buffer.from(mark)), six('victim'), 1);
        sendIp('evil', gateway('evil'), packets6.routed(once, six('victim'), 0));
      }),
    },
  ];

  const claimsOfOthers: readonly Sent[] = [
    {
      title: "an advertisement of a friend's address",
      at: 'victim',
      send: whole(() =>
        toAll(
          claims(six('evil'), allNodes, {
            type: 136,
            target: six('friend'),
            option: option.target,
            hardware: hardware('evil'),
            flags: 0x20,
          }),
        ),
      ),
    },
    {
      title: "a solicited one from its own link-local address, with the router's flag",
      at: 'victim',
      send: whole(() => ({
        to: hardware('victim'),
        packet: claims(own6('evil'), six('victim'), {
          type: 136,
          target: own6('friend'),
          option: option.target,
          hardware: hardware('evil'),
          flags: 0xe0,
        }),
      })),
    },
    {
      title: "one of the gateway's address",
      at: 'victim',
      send: whole(() =>
        toAll(
          claims(own6('evil'), allNodes, {
            type: 136,
            target: linkLocalOf(gateway('evil')),
            option: option.target,
            hardware: hardware('evil'),
            flags: 0x20,
          }),
        ),
      ),
    },
    {
      title: 'one behind destination options',
      at: 'victim',
      send: whole(() =>
        toAll(
          behindOptions(
            claims(six('evil'), allNodes, {
              type: 136,
              target: six('friend'),
              option: option.target,
              hardware: hardware('evil'),
              flags: 0x20,
            }),
          ),
        ),
      ),
    },
    {
      title: "one of its own address at another's hardware address",
      at: 'victim',
      send: whole(() =>
        toAll(
          claims(six('evil'), allNodes, {
            type: 136,
            target: six('evil'),
            option: option.target,
            hardware: hardware('friend'),
            flags: 0x20,
          }),
        ),
      ),
    },
    {
      title: "detection of another's address as a duplicate",
      at: 'victim',
      send: whole(() => {
        const group = solicitedNodeGroup(six('victim'));
        return { to: groupHardware(group), packet: claims('::', group, { type: 135, target: six('victim') }) };
      }),
    },
    {
      title: "a solicitation from a friend's link-local address",
      at: 'victim',
      send: whole(() => {
        const group = solicitedNodeGroup(six('victim'));
        const claim = { type: 135, target: six('victim'), option: option.source, hardware: hardware('evil') } as const;
        return { to: groupHardware(group), packet: claims(own6('friend'), group, claim) };
      }),
    },
    {
      title: "a solicitation with another's hardware address behind a nonce",
      at: 'victim',
      send: whole(() => {
        const group = solicitedNodeGroup(six('victim'));
        const claim = {
          type: 135,
          target: six('victim'),
          option: option.source,
          hardware: hardware('friend'),
          nonce: true,
        } as const;
        return { to: groupHardware(group), packet: claims(six('evil'), group, claim) };
      }),
    },
    {
      title: "an ARP probe for another's address",
      at: 'victim',
      send: () => {
        const packet = arp('evil', '0.0.0.0', four('victim'));
        send('evil', broadcastHardware, etherType.arp, packet);
        return packet;
      },
    },
    {
      title: "an ARP request with another's hardware address",
      at: 'victim',
      send: () => {
        const sender = { hardware: hardware('friend'), address: four('evil') };
        const target = { hardware: Buffer.alloc(6), address: four('victim') };
        const packet = arpPacket({ operation: 'request', sender, target });
        send('evil', broadcastHardware, etherType.arp, packet);
        return packet;
      },
    },
    ...(
      [
        ['a listener query', 130],
        ['a multicast router advertisement', 151],
        ['a redirect', 137],
      ] as const
    ).map(([title, type]): Sent => ({
      title,
      at: 'n1',
      send: whole(() => toAll(message6({ source: six('evil'), destination: allNodes, type, body: Buffer.alloc(40) }))),
    })),
    {
      title: 'an IGMP query',
      at: 'n1',
      send: whole(() => ({
        to: Buffer.from([1, 0, 0x5e, 0, 0, 1]),
        packet: ipv4Packet(
          { source: four('evil'), destination: '224.0.0.1', protocol: 2, ttl: 1 },
          Buffer.from([0x11, 100, 0xee, 0x9b, 0, 0, 0, 0]),
        ),
      })),
    },
    {
      title: 'PIM',
      at: 'n1',
      send: whole(() => ({
        to: Buffer.from([1, 0, 0x5e, 0, 0, 13]),
        packet: ipv4Packet(
          { source: four('evil'), destination: '224.0.0.13', protocol: 103, ttl: 1 },
          Buffer.from([0x20, 0, 0xdf, 0xff]),
        ),
      })),
    },
  ];

  const much = (mark: string): string => mark.padEnd(800, '.');
  const payload: readonly Sent[] = [
    {
      title: '800 bytes in an ARP request',
      at: 'victim',
      send: marked((mark) =>
        send('evil', broadcastHardware, etherType.arp, arp('evil', four('evil'), four('victim'), much(mark))),
      ),
    },
    {
      title: '800 bytes in a neighbour solicitation',
      at: 'victim',
      send: marked((mark) => {
        const group = solicitedNodeGroup(six('victim'));
        sendIp(
          'evil',
          groupHardware(group),
          claims(six('evil'), group, { type: 135, target: six('victim'), mark: much(mark) }),
        );
      }),
    },
    {
      title: '800 bytes in a neighbour advertisement',
      at: 'victim',
      send: marked((mark) => {
        const claim = { type: 136, target: six('evil'), mark: much(mark) } as const;
        sendIp('evil', groupHardware(allNodes), claims(six('evil'), allNodes, claim));
      }),
    },
    {
      title: '800 bytes in a listener report',
      at: 'victim',
      send: marked((mark) => {
        const endpoints = { source: own6('evil'), destination: 'ff02::16', protocol: 0, ttl: 1 };
        const report = packets6.listenerReport(endpoints, 'ff02::1234', Buffer.from(much(mark)));
        sendIp(
          'evil',
          groupHardware('ff02::16'),
          packets6.ipv6Packet(endpoints, packets6.withOptions(icmp6, report, 'routerAlert')),
        );
      }),
    },
    {
      title: 'multicast to a pod that a policy isolates',
      at: 'victim',
      send: marked((mark) =>
        sendIp('evil', Buffer.from([1, 0, 0x5e, 0, 0, 251]), udp(four('evil'), '224.0.0.251', 5353, Buffer.from(mark))),
      ),
    },
    {
      title: 'multicast from a pod that a policy isolates',
      at: 'evil',
      send: marked((mark) =>
        sendIp(
          'victim',
          Buffer.from([1, 0, 0x5e, 0, 0, 251]),
          udp(four('victim'), '224.0.0.251', 5353, Buffer.from(mark)),
        ),
      ),
    },
    {
      title: 'multicast from its link-local address',
      at: 'evil',
      send: marked((mark) =>
        sendIp('victim', groupHardware('ff02::fb'), udp(own6('victim'), 'ff02::fb', 5353, Buffer.from(mark))),
      ),
    },
  ];

  const ghosts: readonly Sent[] = [
    ...(
      [
        ['a priority tag', etherType.vlan],
        ['an 802.1ad priority tag', etherType.serviceVlan],
      ] as const
    ).map(([title, tag]): Sent => ({
      title: `${title} on a frame of a pod that is not known`,
      at: 'peer',
      send: marked((mark) => {
        const header = { source: hardware('ghost'), destination: hardware('peer'), type: etherType.ipv4 };
        const packet = udp(four('ghost'), four('peer'), port, Buffer.from(mark));
        sendFrame(
          place('ghost'),
          'eth0',
          ethernetFrame({ ...header, tags: [{ type: tag, id: 0, priority: 5 }] }, packet),
        );
      }),
    })),
    {
      title: 'a datagram to a link-local address, of a pod that is not known',
      at: 'peer',
      send: marked((mark) =>
        sendIp('ghost', hardware('peer'), udp(own6('ghost'), own6('peer'), port, Buffer.from(mark))),
      ),
    },
    {
      title: 'multicast of a pod that is not known',
      at: 'peer',
      send: marked((mark) =>
        sendIp('ghost', groupHardware('ff02::fb'), udp(own6('ghost'), 'ff02::fb', 5353, Buffer.from(mark))),
      ),
    },
    {
      title: '800 bytes in a neighbour solicitation of a pod that is not known',
      at: 'peer',
      send: marked((mark) => {
        const group = solicitedNodeGroup(six('peer'));
        sendIp(
          'ghost',
          groupHardware(group),
          claims(own6('ghost'), group, { type: 135, target: six('peer'), mark: much(mark) }),
        );
      }),
    },
    {
      title: '800 bytes in ARP of a pod that is not known',
      at: 'peer',
      send: marked((mark) =>
        send('ghost', broadcastHardware, etherType.arp, arp('ghost', four('ghost'), four('peer'), much(mark))),
      ),
    },
  ];

  const honest: readonly Sent[] = [
    {
      title: 'a datagram to its node, and one with options',
      at: 'n1',
      send: marked((mark) => {
        const packet = udp(four('evil'), nodeAddresses.n1[0], port, Buffer.from(mark));
        sendIp('evil', gateway('evil'), withIpv4Options(packet, Buffer.from([0x94, 4, 0, 0])));
      }),
    },
    {
      title: 'a datagram behind destination options, and a routing header that is used up',
      at: 'n1',
      send: marked((mark) =>
        sendIp(
          'evil',
          gateway('evil'),
          behindOptions(
            packets6.routed(udp(six('evil'), nodeAddresses.n1[1], port, Buffer.from(mark)), six('victim'), 0),
          ),
        ),
      ),
    },
    {
      title: 'VXLAN to an address outside',
      at: 'outside',
      send: marked((mark) =>
        sendIp('evil', gateway('evil'), udp(four('evil'), outside[0], vxlanPort, inTunnel('n1', 7, mark))),
      ),
    },
    {
      title: 'VXLAN to a pod',
      at: 'peer',
      send: marked((mark) =>
        sendIp('evil', hardware('peer'), udp(six('evil'), six('peer'), vxlanPort, inTunnel('n1', 8, mark))),
      ),
    },
    {
      title: 'protocol 41 to an address outside',
      at: 'outside',
      send: marked((mark) =>
        sendIp(
          'evil',
          gateway('evil'),
          ipv4Packet({ source: four('evil'), destination: outside[0], protocol: 41 }, Buffer.from(mark)),
        ),
      ),
    },
    {
      title: 'an ARP request, padded as a guest pads it',
      at: 'victim',
      send: marked((mark) =>
        send('evil', broadcastHardware, etherType.arp, arp('evil', four('evil'), four('victim'), mark.padEnd(18))),
      ),
    },
    {
      title: 'an ARP probe for its own address',
      at: 'victim',
      send: () => {
        const packet = arp('evil', '0.0.0.0', four('evil'));
        send('evil', broadcastHardware, etherType.arp, packet);
        return packet;
      },
    },
    ...(['its own address', 'its link-local address'] as const).map((which): Sent => ({
      title: `duplicate address detection of ${which}, with a nonce`,
      at: 'victim',
      send: whole(() => {
        const target = which === 'its own address' ? six('evil') : own6('evil');
        const group = solicitedNodeGroup(target);
        return {
          to: groupHardware(group),
          packet: claims('::', group, { type: 135, target, nonce: true, mark: 'nonce' }),
        };
      }),
    })),
    {
      title: 'a link-local address of its own choice, announced and used',
      at: 'victim',
      send: whole(() => {
        const chosen = 'fe80::1234:5678:9abc:def0';
        const group = solicitedNodeGroup(chosen);
        sendIp('evil', groupHardware(group), claims('::', group, { type: 135, target: chosen }));
        return toAll(
          claims(chosen, allNodes, {
            type: 136,
            target: chosen,
            option: option.target,
            hardware: hardware('evil'),
            flags: 0x20,
          }),
        );
      }),
    },
    {
      title: 'a solicitation with its hardware address',
      at: 'victim',
      send: whole(() => {
        const group = solicitedNodeGroup(six('victim'));
        return {
          to: groupHardware(group),
          packet: claims(six('evil'), group, {
            type: 135,
            target: six('victim'),
            option: option.source,
            hardware: hardware('evil'),
          }),
        };
      }),
    },
    {
      title: 'an advertisement of its own address',
      at: 'victim',
      send: whole(() =>
        toAll(
          claims(own6('evil'), allNodes, {
            type: 136,
            target: six('evil'),
            option: option.target,
            hardware: hardware('evil'),
            flags: 0x20,
          }),
        ),
      ),
    },
    {
      title: 'a listener report, as far as its bridge',
      at: 'n1',
      send: whole(() => {
        const endpoints = { source: own6('evil'), destination: 'ff02::16', protocol: 0, ttl: 1 };
        const report = packets6.listenerReport(endpoints, 'ff02::fb');
        return {
          to: groupHardware('ff02::16'),
          packet: packets6.ipv6Packet(endpoints, packets6.withOptions(icmp6, report, 'routerAlert')),
        };
      }),
    },
    {
      title: 'an IGMP report, as far as its bridge',
      at: 'n1',
      send: whole(() => ({
        to: Buffer.from([1, 0, 0x5e, 0, 0, 251]),
        packet: withIpv4Options(
          ipv4Packet(
            { source: four('evil'), destination: '224.0.0.251', protocol: 2, ttl: 1 },
            Buffer.from([0x16, 0, 0x09, 0x04, 224, 0, 0, 251]),
          ),
          Buffer.from([0x94, 4, 0, 0]),
        ),
      })),
    },
    {
      title: 'mDNS between pods that nobody isolates',
      at: 'peer',
      send: marked((mark) =>
        sendIp('evil', Buffer.from([1, 0, 0x5e, 0, 0, 251]), udp(four('evil'), '224.0.0.251', 5353, Buffer.from(mark))),
      ),
    },
    {
      title: 'mDNS over IPv6, from a link-local address',
      at: 'peer',
      send: marked((mark) =>
        sendIp('evil', groupHardware('ff02::fb'), udp(own6('evil'), 'ff02::fb', 5353, Buffer.from(mark))),
      ),
    },
    {
      title: 'a broadcast between them',
      at: 'peer',
      send: marked((mark) =>
        sendIp('evil', broadcastHardware, udp(four('evil'), '255.255.255.255', port, Buffer.from(mark))),
      ),
    },
    {
      title: 'VRRP between them',
      at: 'peer',
      send: marked((mark) =>
        sendIp(
          'evil',
          Buffer.from([1, 0, 0x5e, 0, 0, 18]),
          ipv4Packet({ source: four('evil'), destination: '224.0.0.18', protocol: 112, ttl: 255 }, Buffer.from(mark)),
        ),
      ),
    },
  ];

  let count = 0;
  const deviceAt = (at: Sent['at']): string =>
    at === 'n1' ? 'cni0' : at === 'outside' || at === 'n2' ? 'uplink' : 'eth0';
  const arrives = async ({ at, send: sent }: Sent): Promise<boolean> => {
    count += 1;
    using capture = new Capture(place(at), deviceAt(at));
    const expected = sent(`mark-${count}-`);
    return await capture.sees((frame) => frame.includes(expected), 300);
  };
  const attacks = [...tunnels, ...routes, ...claimsOfOthers, ...payload, ...ghosts];

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    await lab.addPods(
      names.map((name): LabPod => ({ namespace: 'x', name, node: nodeOf(name), addresses: addressesOf[name] })),
    );
    farDevice = await lab.device('far.x');
    for (const where of ['n1', 'n2'] as const)
      for (const [id, local] of [
        [7, nodeAddresses[where][0]],
        [8, nodeAddresses[where][1]],
      ] as const) {
        const link = ['type', 'vxlan', 'id', String(id), 'dstport', String(vxlanPort), 'local', local, 'dev', 'uplink'];
        await lab.run(where, 'ip', 'link', 'add', `vx${id}`, ...link);
        await lab.run(where, 'ip', 'link', 'set', `vx${id}`, 'up');
      }
  }, 60_000);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  }, 60_000);

  describe('without Podwall', () => {
    test.each([...attacks, ...honest])('$title arrives', async (sent) => {
      expect(await arrives(sent)).toBe(true);
    });
  });

  describe('with Podwall', () => {
    beforeAll(async () => {
      const directory = join(lab.folder, 'manifests');
      await lab.writeManifests(directory, { cluster: manifests });
      // What the controls made the node believe of its neighbours is no part of what is tried here.
      await lab.run('n1', 'ip', 'neigh', 'flush', 'dev', 'cni0');
      // Nor that the bridge heard another's IGMP query: it would keep reports from whoever sent none.
      await lab.run('n1', 'ip', 'link', 'set', 'cni0', 'type', 'bridge', 'mcast_snooping', '0');
      for (const name of lab.nodeNames) await lab.startAgent(name, { manifests: directory, 'unknown-pods': 'deny' });
    }, 60_000);

    test.each(attacks)('$title does not arrive', async (attack) => {
      expect(await arrives(attack)).toBe(false);
    });
    test.each(honest)('$title arrives', async (sent) => {
      expect(await arrives(sent)).toBe(true);
    });
  });
});
