import { describe, expect, test } from '@jest/globals';
import { locatePods, type PodToAttach } from '../../src/kernel/links/attachments.js';
import {
  parseForwarding,
  parseLinks,
  parseNeighbours,
  parseRoutes,
  type LinkReadings,
} from '../../src/kernel/links/link-readings.js';
import type { Address } from '../../src/model/address.js';
import type { Attachment } from '../../src/model/attachment.js';

const link = (ifindex: number, ifname: string, info_kind?: string, master?: string): Record<string, unknown> => ({
  ifindex,
  ifname,
  ...(info_kind === undefined ? {} : { linkinfo: { info_kind } }),
  ...(master === undefined ? {} : { master }),
});

const fixture = {
  links: [
    link(1, 'lo'),
    link(2, 'eth0'),
    link(3, 'cni0', 'bridge'),
    link(4, 'veth-a', 'veth', 'cni0'),
    link(5, 'veth-b', 'veth', 'cni0'),
    link(6, 'tap0', 'tun', 'cni0'),
    link(7, 'veth-c', 'veth'),
    link(8, 'mac0', 'macvlan'),
    link(9, 'wire', 'veth'),
  ],
  routes4: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
    { dst: '10.9.1.0/24', dev: 'cni0', scope: 'link', flags: [] },
    { dst: '10.9.2.0/24', dev: 'wire', flags: [] },
    { dst: '10.9.3.0/24', dev: 'wire', metric: 100, flags: [] },
    { dst: '10.9.3.0/24', dev: 'mac0', metric: 50, flags: [] },
    { type: 'blackhole', dst: '10.9.4.0/24', flags: [] },
    { dst: '10.9.4.7', dev: 'veth-c', scope: 'host', flags: [] },
  ],
  routes6: [
    { dst: 'fd00:9::/64', dev: 'cni0', metric: 256, flags: [] },
    { dst: 'fd00:9:4::7', dev: 'veth-c', metric: 1024, flags: [] },
  ],
  neighbours: [
    { dst: '10.9.1.11', dev: 'cni0', lladdr: '02:00:00:00:00:0a', state: ['STALE'] },
    { dst: 'fd00:9::c', dev: 'cni0', lladdr: '02:00:00:00:00:0b', state: ['REACHABLE'] },
    { dst: '10.9.1.13', dev: 'cni0', lladdr: '02:00:00:00:00:0d', state: ['STALE'] },
    { dst: '10.9.1.14', dev: 'cni0', state: ['INCOMPLETE'] },
    { dst: '10.9.1.15', dev: 'cni0', lladdr: '02:00:00:00:01:05', state: ['PERMANENT'] },
    { dst: '10.9.1.16', dev: 'cni0', lladdr: '02:00:00:00:00:0a', state: ['FAILED'] },
  ],
  forwarding: [
    { mac: '33:33:00:00:00:01', ifname: 'veth-a', flags: ['self'], state: 'permanent' },
    { mac: '02:00:00:00:01:05', ifname: 'veth-b', flags: [], master: 'cni0', state: 'permanent' },
    { mac: '02:00:00:00:00:0a', ifname: 'veth-a', flags: [], master: 'cni0', state: '' },
    { mac: '02:00:00:00:00:0b', ifname: 'veth-b', flags: [], master: 'cni0', state: '' },
    { mac: '02:00:00:00:00:0d', ifname: 'tap0', flags: [], master: 'cni0', state: '' },
  ],
};

const read = (change: Partial<typeof fixture> = {}): LinkReadings => {
  const { links, routes4, routes6, neighbours, forwarding } = { ...fixture, ...change };
  return {
    links: parseLinks(JSON.stringify(links)),
    routes: [...parseRoutes(JSON.stringify(routes4), '0.0.0.0/0'), ...parseRoutes(JSON.stringify(routes6), '::/0')],
    neighbours: parseNeighbours(JSON.stringify(neighbours)),
    forwarding: parseForwarding(JSON.stringify(forwarding)),
  };
};

const pod = (name: string, ...addresses: readonly string[]): PodToAttach => ({
  pod: { namespace: 'shop', name },
  podUid: `uid-${name}`,
  addresses: addresses as Address[],
});

/** One line per pod: where it is and why. */
const summary = (pods: readonly PodToAttach[], readings = read(), known: readonly Attachment[] = []): string[] =>
  locatePods(pods, readings, known).map((place) =>
    place.kind === 'attached'
      ? `${place.attachment.kind} ${place.attachment.device} ${place.attachment.ifindex}`
      : `${place.kind}: ${place.reason}`,
  );

const attachmentOf = (one: PodToAttach, readings = read()): Attachment => {
  const place = locatePods([one], readings)[0];
  if (place?.kind !== 'attached') throw new Error('not attached');
  return place.attachment;
};

describe('where a pod hangs', () => {
  test.each([
    ['a route of its own to a veth', ['10.9.4.7'], 'routed veth-c 7'],
    ['the same by IPv6 alone', ['fd00:9:4::7'], 'routed veth-c 7'],
    ['the port of a bridge by neighbour and forwarding table', ['10.9.1.11'], 'bridged veth-a 4'],
    ['the IPv6 neighbour shows what the IPv4 one does not', ['10.9.1.12', 'fd00:9::c'], 'bridged veth-b 5'],
    ['no neighbour entry', ['10.9.1.12'], 'silent: 10.9.1.12 has not answered on bridge cni0 yet'],
    ['asked, no answer yet', ['10.9.1.14'], 'silent: 10.9.1.14 has not answered on bridge cni0 yet'],
    ['asked, never answered', ['10.9.1.16'], 'silent: 10.9.1.16 has not answered on bridge cni0 yet'],
    [
      "a port's own hardware address is no pod's",
      ['10.9.1.15'],
      'silent: bridge cni0 does not say on which port 10.9.1.15 (02:00:00:00:01:05) is',
    ],
    [
      'a tap on the bridge',
      ['10.9.1.13'],
      'elsewhere: 10.9.1.13 is behind tun tap0 of bridge cni0, not behind a veth of this node: its traffic is not seen here',
    ],
    [
      'a physical device',
      ['10.1.1.1'],
      'elsewhere: 10.1.1.1 is behind device eth0, not behind a veth of this node: its traffic is not seen here',
    ],
    [
      'the lower metric counts',
      ['10.9.3.1'],
      'elsewhere: 10.9.3.1 is behind macvlan mac0, not behind a veth of this node: its traffic is not seen here',
    ],
    [
      "another node's network behind a veth",
      ['10.9.2.1'],
      "elsewhere: 10.9.2.1 has no route of its own, only 10.9.2.0/24 by veth wire: another node's or network's",
    ],
    ['a blackhole', ['10.9.4.8'], 'elsewhere: the route to 10.9.4.8 (10.9.4.0/24) leads to no device here'],
    ['no route', ['fd00:77::1'], 'elsewhere: no route to fd00:77::1'],
    ['no address', [], 'elsewhere: the pod has no address'],
  ])('%s', (_, addresses, expected) => {
    expect(summary([pod('api-0', ...addresses)])).toEqual([expected]);
  });

  test("the kernel's own answer goes before the main table", () => {
    const answer = parseRoutes(JSON.stringify([{ dst: '10.1.1.1', dev: 'veth-c', table: '100' }]), '0.0.0.0/0')[0];
    if (answer === undefined) throw new Error('no route');
    const readings = { ...read(), answers: new Map([['10.1.1.1' as Address, answer]]) };
    expect(summary([pod('api-0', '10.1.1.1')], readings)).toEqual(['routed veth-c 7']);
  });

  test('iproute2 prints nothing for an empty table', () => {
    expect(parseRoutes('', '::/0')).toEqual([]);
    expect(parseNeighbours('\n')).toEqual([]);
  });
});

describe('what a bridge has learned is what pods claim', () => {
  const api = pod('api-0', '10.9.1.11');
  const thief = pod('thief', 'fd00:9::c');
  const stolen = read({
    forwarding: fixture.forwarding.map((entry) =>
      entry.mac === '02:00:00:00:00:0a' ? { ...entry, ifname: 'veth-b' } : entry,
    ),
  });

  test('a pod stays on its veth when its hardware address is seen on another', () => {
    expect(summary([api, thief], stolen, [attachmentOf(api)])[0]).toBe('bridged veth-a 4');
  });

  test('a new pod is not given the veth of another', () => {
    expect(summary([api, thief], stolen, [attachmentOf(thief)])).toEqual([
      "silent: cni0 has learned it on veth-b, which is another pod's",
      'bridged veth-b 5',
    ]);
  });

  test('a pod stays when the tables have forgotten it, and follows a rename', () => {
    const links = fixture.links.map((one) => (one['ifindex'] === 4 ? { ...one, ifname: 'renamed' } : one));
    const forgotten = read({ links, neighbours: [], forwarding: [] });
    expect(summary([api], forgotten, [attachmentOf(api)])).toEqual(['bridged renamed 4']);
  });

  test('its veth made anew: searched again', () => {
    const links = fixture.links.map((one) => (one['ifindex'] === 4 ? { ...one, ifindex: 40 } : one));
    const readings = read({ links, neighbours: [], forwarding: [] });
    expect(summary([api], readings, [attachmentOf(api)])).toEqual([
      'silent: 10.9.1.11 has not answered on bridge cni0 yet',
    ]);
  });

  test('another pod of the same name is another pod', () => {
    const next = { ...api, podUid: 'uid-next' };
    expect(summary([next], read({ forwarding: [] }), [attachmentOf(api)])[0]).toMatch(/^silent/);
  });
});

test('ports of tunnels that ask for no key: as iproute2 names them', () => {
  const linkOf = (kind: string, data: object): object => ({
    ...{ ifindex: 9, ifname: kind, linkinfo: { info_kind: kind, info_data: data } },
  });
  const links = [
    linkOf('vxlan', { id: 1, port: 8472 }),
    linkOf('geneve', { external: true, port: 6081 }),
    linkOf('bareudp', { dstport: 6635 }),
    linkOf('wireguard', { port: 51820 }),
    linkOf('veth', {}),
  ];
  expect(parseLinks(JSON.stringify(links)).map(({ tunnelPort }) => tunnelPort)).toEqual([
    ...[8472, 6081, 6635],
    ...[undefined, undefined],
  ]);
});

test('the hardware address of a bridged pod is the one that its bridge was seen with first', () => {
  const one = pod('a', '10.9.1.11');
  const first = attachmentOf(one);
  expect(first.hardware).toBe('02:00:00:00:00:0a');
  const moved = [{ dst: '10.9.1.11', dev: 'cni0', lladdr: '02:00:00:00:00:0b', state: ['STALE'] }];
  const [again] = locatePods([one], read({ neighbours: moved }), [first]);
  expect(again).toMatchObject({ attachment: { hardware: '02:00:00:00:00:0a', device: 'veth-a' } });
});
