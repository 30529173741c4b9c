/** Packets by hand without Podwall: each builder's packets are understood by the kernel that gets them. The attacks' control. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { addressBytes } from '../support/lab/libc.js';
import * as frames from '../support/lab/frames.js';
import { Lab, labNode, type LabPod } from '../support/lab/lab.js';
import { icmpError, ipv4Fragments, ipv4Packet, tcpFlags, tcpSegment, udpDatagram } from '../support/lab/packets.js';
import * as packets6 from '../support/lab/packets6.js';
import { Capture, hardwareAddressOf, sendFrame, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';

const port = 8080;
const pod = (name: string, node: 1 | 2, host: number): LabPod => ({
  namespace: 'x',
  name,
  node: `n${node}`,
  addresses: [`10.244.${node}.${host}`, `fd00:10:244:${node}::${host}`],
});
const pods = [pod('a', 1, 11), pod('b', 1, 12), pod('c', 2, 11)];
const [[a4 = '', a6 = ''] = [], [b4 = '', b6 = ''] = [], [c4 = '', c6 = ''] = []] = pods.map((one) => one.addresses);
const onUdp = { protocol: 17, sourcePort: 4000, destinationPort: port };
const holds =
  (text: string) =>
  (frame: Buffer): boolean =>
    frame.includes(text);

describePackets('packets by hand, no Podwall', () => {
  let lab: Lab;
  const in_ = (name: string): string => lab.netns(name);
  const hardware = (name: string): Buffer => hardwareAddressOf(in_(name), 'eth0');

  /** Whether the server's echo comes back to the pod. */
  const echoed = async (capture: Capture, text: string): Promise<boolean> =>
    (await Promise.all([capture.sees(holds(text), 200), lab.prober.answerFor(100)]))[0];

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    await lab.addPods(pods);
    for (const place of ['a.x', 'b.x', 'c.x']) {
      lab.prober.serve(in_(place), port, 'TCP');
      lab.prober.serve(in_(place), port, 'UDP');
    }
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('UDP with a spoofed source, whole and in fragments', async () => {
    using capture = new Capture(in_('c.x'), 'eth0');
    const send = (source: string, payload: Buffer): Buffer => {
      const endpoints = { ...onUdp, source, destination: c4 };
      return ipv4Packet(endpoints, udpDatagram(endpoints, payload));
    };
    sendIp(in_('a.x'), send('10.244.1.99', Buffer.from('spoofed')));
    expect(await capture.sees(holds('spoofed'))).toBe(true);
    // The answer shows that checksum and fragments were right.
    using answers = new Capture(in_('a.x'), 'eth0');
    const [first, second] = ipv4Fragments(send(a4, Buffer.from(`${'x'.repeat(64)}fragment`)), 32);
    sendIp(in_('a.x'), first);
    sendIp(in_('a.x'), second);
    expect(await echoed(answers, 'fragment')).toBe(true);
  });

  test('a TCP handshake', async () => {
    using answers = new Capture(in_('a.x'), 'eth0');
    const endpoints = { source: a4, destination: c4, protocol: 6, sourcePort: 4001, destinationPort: port };
    sendIp(
      in_('a.x'),
      ipv4Packet(endpoints, tcpSegment(endpoints, { flags: tcpFlags.syn, sequence: 7 }, Buffer.alloc(0))),
    );
    const isAnswer = (frame: Buffer): boolean => frame[23] === 6 && frame.readUInt16BE(36) === 4001;
    const [answer] = await answers.frames(isAnswer, 100);
    expect([answer?.[47], answer?.readUInt32BE(42)]).toEqual([tcpFlags.syn | tcpFlags.ack, 8]);
  });

  test('ICMP errors reach the socket whose flow they quote', async () => {
    using flow = lab.prober.openUdpFlow({ from: in_('a.x'), to: c4, port, server: in_('c.x') });
    expect(await flow.carries('toServer')).toBe(true);
    const quoted = { source: a4, destination: c4, protocol: 17, sourcePort: flow.sourcePort, destinationPort: port };
    const original = ipv4Packet(quoted, udpDatagram(quoted, Buffer.from('gone')));
    const outer = { source: c4, destination: a4, protocol: 1 };
    sendIp(in_('c.x'), ipv4Packet(outer, icmpError(3, 3, original)));
    await delay(50);
    // The error waits at the socket: one send fails with it, the next works.
    expect([flow.send('toServer'), flow.send('toServer')]).toEqual([false, true]);
  });

  test('IPv6: options, fragments, errors that quote', async () => {
    using flow = lab.prober.openUdpFlow({ from: in_('a.x'), to: c6, port, server: in_('c.x') });
    using capture = new Capture(in_('a.x'), 'eth0');
    const endpoints = { ...onUdp, source: a6, destination: c6 };
    const { destinationOptions, fragment, icmpv6 } = packets6.ipv6NextHeader;
    const echo = (text: string): Buffer => udpDatagram(endpoints, Buffer.from(text));
    const optional = packets6.withOptions(17, echo('with options'), 'padding');
    sendIp(in_('a.x'), packets6.ipv6Packet({ ...endpoints, protocol: destinationOptions }, optional));
    expect(await echoed(capture, 'with options')).toBe(true);
    const whole = echo(`${'x'.repeat(64)}in fragments`);
    for (const [offset, end] of [
      [0, 32],
      [32, whole.length],
    ] as const) {
      const header = { nextHeader: 17, offset, more: end < whole.length };
      const part = packets6.withFragmentHeader(header, whole.subarray(offset, end));
      sendIp(in_('a.x'), packets6.ipv6Packet({ ...endpoints, protocol: fragment }, part));
    }
    expect(await echoed(capture, 'in fragments')).toBe(true);
    const quoted = { ...endpoints, sourcePort: flow.sourcePort };
    const original = packets6.ipv6Packet(quoted, udpDatagram(quoted, Buffer.from('gone')));
    const outer = { source: c6, destination: a6, protocol: icmpv6 };
    sendIp(in_('c.x'), packets6.ipv6Packet(outer, packets6.icmpv6Error(outer, { type: 1, code: 4 }, original)));
    await delay(50);
    expect([flow.send('toServer'), flow.send('toServer')]).toEqual([false, true]);
  });

  test('frames: priority tags and broadcast arrive at a pod on the same bridge', async () => {
    const [source, destination] = [hardware('a.x'), hardware('b.x')];
    using capture = new Capture(in_('b.x'), 'eth0');
    const send = (text: string, header: Partial<frames.EthernetHeader>): void => {
      const endpoints = { ...onUdp, source: a4, destination: b4 };
      const packet = ipv4Packet(endpoints, udpDatagram(endpoints, Buffer.from(text)));
      const type = frames.etherType.ipv4;
      sendFrame(in_('a.x'), 'eth0', frames.ethernetFrame({ source, destination, type, ...header }, packet));
    };
    send('no tag', {});
    send('one tag', { tags: [{ type: frames.etherType.vlan, id: 0, priority: 3 }] });
    send('service tag', { tags: [{ type: frames.etherType.serviceVlan, id: 0 }] });
    send('to all', { destination: frames.broadcastHardware });
    const arrived = await capture.frames(() => true, 100);
    const texts = ['no tag', 'one tag', 'service tag', 'to all'];
    expect(texts.filter((text) => arrived.some(holds(text)))).toEqual(texts);
  });

  test('ARP: a request is answered', async () => {
    const source = hardware('a.x');
    using capture = new Capture(in_('a.x'), 'eth0');
    const packet = frames.arpPacket({
      operation: 'request',
      sender: { hardware: source, address: a4 },
      target: { hardware: Buffer.alloc(6), address: b4 },
    });
    const header = { source, destination: frames.broadcastHardware, type: frames.etherType.arp };
    sendFrame(in_('a.x'), 'eth0', frames.ethernetFrame(header, packet));
    const isReply = (frame: Buffer): boolean =>
      frame.readUInt16BE(12) === frames.etherType.arp &&
      frame[21] === 2 &&
      frame.subarray(22, 28).equals(hardware('b.x')) &&
      frame.subarray(28, 32).equals(addressBytes(b4));
    expect(await capture.sees(isReply)).toBe(true);
  });

  test('neighbour discovery on a bridge: a solicitation with payload arrives and is answered', async () => {
    const source = hardware('a.x');
    const group = frames.solicitedNodeGroup(b6);
    using answers = new Capture(in_('a.x'), 'eth0');
    using arrivals = new Capture(in_('b.x'), 'eth0');
    const endpoints = { source: a6, destination: group, protocol: packets6.ipv6NextHeader.icmpv6, ttl: 255 };
    const neighbour = { target: b6, hardware: source, payload: Buffer.from('stowaway') };
    const packet = packets6.ipv6Packet(endpoints, packets6.neighbourSolicitation(endpoints, neighbour));
    const header = { source, destination: frames.groupHardware(group), type: frames.etherType.ipv6 };
    sendFrame(in_('a.x'), 'eth0', frames.ethernetFrame(header, packet));
    expect(await arrivals.sees(holds('stowaway'))).toBe(true);
    expect(await answers.sees((frame) => frame[54] === 136 && frame.subarray(62, 78).equals(addressBytes(b6)))).toBe(
      true,
    );
  });

  test('a router advertisement makes its sender the router of a pod that listens', async () => {
    const sender = 'fe80::bad';
    const source = hardware('a.x');
    const endpoints = { source: sender, destination: 'ff02::1', protocol: packets6.ipv6NextHeader.icmpv6, ttl: 255 };
    const packet = packets6.ipv6Packet(endpoints, packets6.routerAdvertisement(endpoints));
    const header = { source, destination: frames.groupHardware('ff02::1'), type: frames.etherType.ipv6 };
    sendFrame(in_('a.x'), 'eth0', frames.ethernetFrame(header, packet));
    await delay(100);
    const { stdout } = await lab.run('b.x', 'ip', '-6', 'route', 'show', 'default', 'proto', 'ra');
    expect(stdout).toContain(`via ${sender}`);
  });

  test.each([
    [
      'a neighbour advertisement',
      (endpoints: packets6.Endpoints, payload: Buffer) =>
        packets6.neighbourAdvertisement(endpoints, { target: a6, hardware: Buffer.alloc(6), payload }),
    ],
    [
      'a listener report',
      (endpoints: packets6.Endpoints, payload: Buffer) => packets6.listenerReport(endpoints, 'ff02::1234', payload),
    ],
  ])('%s with payload is routed to a pod on another node', async (_, message) => {
    using capture = new Capture(in_('c.x'), 'eth0');
    const endpoints = { source: a6, destination: c6, protocol: packets6.ipv6NextHeader.icmpv6 };
    sendIp(in_('a.x'), packets6.ipv6Packet(endpoints, message(endpoints, Buffer.from('smuggled'))));
    expect(await capture.sees(holds('smuggled'))).toBe(true);
  });
});
