import { describe, expect, test } from '@jest/globals';
import { locatePods } from '../../src/kernel/links/attachments.js';
import type { PodToAttach } from '../../src/kernel/links/known-links.js';
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
  locatePods(pods, readings, { known }).map((place) =>
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

  const named = new Map([['uid-api-0', { device: 'veth-b', hardware: '02:00:00:00:00:0c' }]]);
  const placesOf = (pods: readonly PodToAttach[], known: readonly Attachment[], by = named): string[] =>
    locatePods(pods, stolen, { known, named: by }).map((place) =>
      place.kind === 'attached' ? `${place.attachment.device} ${place.attachment.hardware ?? ''}` : place.kind,
    );

  test("CNI's result goes before what a bridge has learned, and before the record of a pod that is gone", () => {
    const gone = { ...attachmentOf(thief), podUid: 'gone' };
    expect(placesOf([api], [])).toEqual(['veth-b 02:00:00:00:00:0c']);
    expect(placesOf([api], [gone])).toEqual(['veth-b 02:00:00:00:00:0c']);
    const ofAnother = { device: 'veth-b', hardware: '02:00:00:00:00:0c', pod: { namespace: 'shop', name: 'another' } };
    expect(placesOf([api], [gone], new Map([['uid-api-0', ofAnother]]))).toEqual(['silent']);
  });

  test("a result that names another pod's link gives nobody that link", () => {
    expect(placesOf([api, thief], [attachmentOf(thief)])).toEqual(['elsewhere', expect.stringMatching(/^veth-b /)]);
  });

  test('a link of which only the guard is known is that of the pod that has its address', () => {
    const guarded = { ...attachmentOf(api), pod: { namespace: '', name: 'veth-a' }, podUid: '' };
    expect(summary([api], read({ neighbours: [], forwarding: [] }), [guarded])).toEqual(['bridged veth-a 4']);
  });

  test('a routed pod whose route is gone keeps its link', () => {
    const old = pod('old', '10.9.4.7');
    expect(summary([old], read({ routes4: [] }), [attachmentOf(old)])).toEqual(['routed veth-c 7']);
  });
});

describe('pods that are exchanged behind links', () => {
  const [a, b] = [pod('a', '10.9.1.11'), pod('b', 'fd00:9::c')];
  const routed = pod('routed', '10.9.4.7');
  /** `name` is another object at the address of `one`. */
  const inPlaceOf = (one: PodToAttach, name: string, podUid = `uid-${name}`): PodToAttach => ({
    ...one,
    podUid,
    pod: { namespace: 'shop', name },
  });
  const before = [attachmentOf(a), attachmentOf(b), attachmentOf(routed)];

  test('new objects at the addresses of old ones have their links, routed and bridged', () => {
    const next = [inPlaceOf(b, 'd'), inPlaceOf(a, 'c'), inPlaceOf(routed, 'e')];
    expect(summary(next, read(), before)).toEqual(['bridged veth-b 5', 'bridged veth-a 4', 'routed veth-c 7']);
  });

  test('a mirror Pod made anew under another uid keeps its link', () => {
    const next = [inPlaceOf(a, 'a', 'uid-anew'), inPlaceOf(routed, 'routed', 'uid-anew')];
    expect(summary(next, read(), before)).toEqual(['bridged veth-a 4', 'routed veth-c 7']);
  });

  test('live pods whose addresses are exchanged change places', () => {
    const next = [
      { ...a, addresses: b.addresses },
      { ...b, addresses: routed.addresses },
      { ...routed, addresses: a.addresses },
    ];
    expect(summary(next, read(), before)).toEqual(['bridged veth-b 5', 'routed veth-c 7', 'bridged veth-a 4']);
  });

  test('a live pod keeps its link against a newcomer that has its route', () => {
    const routes4 = [...fixture.routes4, { dst: '10.9.4.8', dev: 'veth-c', scope: 'host', flags: [] }];
    expect(summary([pod('new', '10.9.4.8'), routed], read({ routes4 }), before)).toEqual([
      "elsewhere: its route leads to veth-c, which is another pod's",
      'routed veth-c 7',
    ]);
  });

  test('live, though its status has lost its addresses: the same', () => {
    const heir = inPlaceOf(routed, 'heir');
    const [place] = locatePods([heir], read(), { known: before, held: new Set([7]) });
    expect(place).toMatchObject({ kind: 'elsewhere', reason: "its route leads to veth-c, which is another pod's" });
  });

  test("CNI's result names the link for another pod, or another link for this one: not given by a reading", () => {
    const heir = inPlaceOf(routed, 'heir');
    const place = (named: ReadonlyMap<string, { readonly device: string }>): string[] =>
      locatePods([heir], read(), { known: before, named }).map((one) =>
        one.kind === 'attached' ? one.attachment.device : one.reason,
      );
    expect(place(new Map([['uid-routed', { device: 'veth-c' }]]))).toEqual([
      "its route leads to veth-c, which is another pod's by CNI's result",
    ]);
    expect(place(new Map([['uid-heir', { device: 'veth-b' }]]))).toEqual(['veth-b']);
    expect(place(new Map([['uid-heir', { device: 'veth-c' }]]))).toEqual(['veth-c']);
  });

  test("a port that has the address for a live pod without one speaks against another's", () => {
    const heir = inPlaceOf(routed, 'heir');
    const known = [attachmentOf(a), { ...attachmentOf(routed), ifindex: 5, device: 'veth-b' }];
    const reason = 'its route leads to veth-c, which is not veth-b, which has its address for a live pod';
    expect(locatePods([heir], read(), { known, held: new Set([5]) })).toEqual([{ kind: 'elsewhere', reason }]);
  });

  describe("the process of a pod that is gone answers for its address, which is a new pod's", () => {
    const heir = inPlaceOf(a, 'heir');
    const newer = (more: Partial<typeof fixture> = {}): LinkReadings =>
      read({ links: [...fixture.links, link(12, 'veth-new', 'veth', 'cni0')], ...more });

    test("while a newer port is nobody's, the old link is not given; then the new one is", () => {
      expect(summary([heir], newer(), before)).toEqual([
        'silent: cni0 has learned it on veth-a, which is that of a pod that is gone, and another link is newer',
      ]);
      const forwarding = fixture.forwarding.map((entry) =>
        entry.mac === '02:00:00:00:00:0a' ? { ...entry, ifname: 'veth-new' } : entry,
      );
      expect(summary([heir], newer({ forwarding }), before)).toEqual(['bridged veth-new 12']);
    });

    test.each<[string, LinkReadings]>([
      [
        'a port that has answered for another address',
        newer({
          neighbours: [
            ...fixture.neighbours,
            { dst: '10.9.1.77', dev: 'cni0', lladdr: '02:00:00:00:00:0e', state: ['STALE'] },
            { dst: 'fe80::77', dev: 'cni0', lladdr: '02:00:00:00:00:0e', state: ['STALE'] },
          ],
          forwarding: [
            ...fixture.forwarding,
            { mac: '02:00:00:00:00:0e', ifname: 'veth-new', flags: [], master: 'cni0', state: '' },
          ],
        }),
      ],
      ['a port of another bridge', read({ links: [...fixture.links, link(12, 'veth-new', 'veth', 'docker0')] })],
      ['an older port', read({ links: [...fixture.links, link(3, 'veth-old', 'veth', 'cni0')] })],
      ['no veth', read({ links: [...fixture.links, link(12, 'vxlan0', 'vxlan', 'cni0')] })],
    ])('the control: %s does not matter', (_, readings) => {
      expect(summary([heir], readings, before)).toEqual(['bridged veth-a 4']);
    });

    test('with routes the same, until the route leads to the new link', () => {
      const next = inPlaceOf(routed, 'next');
      const links = [...fixture.links, link(12, 'veth-new', 'veth')];
      const onEvery = ['veth-c', 'veth-new'].flatMap((dev) =>
        ['fe80::/64', 'fd00:9:4::1'].map((dst) => ({ dst, dev, metric: 256, flags: [] })),
      );
      const routes6 = [...fixture.routes6, ...onEvery];
      expect(summary([next], read({ links, routes6 }), before)).toEqual([
        'elsewhere: its route leads to veth-c, which is that of a pod that is gone, and another link is newer',
      ]);
      const routeTo = (dst: string, dev: string): object => ({ dst, dev, scope: 'host', flags: [] });
      const routes = (dst: string, dev: string): typeof fixture.routes4 =>
        [...fixture.routes4.slice(0, -1), routeTo('10.9.4.7', dev), routeTo(dst, 'veth-new')] as typeof fixture.routes4;
      expect(summary([next], read({ links, routes4: routes('10.9.4.7', 'veth-new') }), before)).toEqual([
        'routed veth-new 12',
      ]);
      // The control: a link that another address is routed to.
      expect(summary([next], read({ links, routes4: routes('10.9.4.9', 'veth-c') }), before)).toEqual([
        'routed veth-c 7',
      ]);
    });

    test('a guard with the address and the name of the pod that is gone does not give the heir its link', () => {
      const guarded = { ...attachmentOf(a), podUid: '' };
      const [place] = summary([heir], newer({ forwarding: [] }), [guarded]);
      expect(place).toMatch(/^silent/);
    });
  });

  test('three attackers who let a bridge see them one place further do not move a pod that stays', () => {
    const [thief, third] = [pod('thief', '10.9.1.21'), pod('third', '10.9.1.22')];
    const at = (one: PodToAttach, device: string, ifindex: number): Attachment => ({
      ...{ ...one, device, ifindex, kind: 'bridged', bridge: 'cni0' },
    });
    const links = [...fixture.links, link(13, 'veth-t', 'veth', 'cni0'), link(14, 'veth-3', 'veth', 'cni0')];
    const neighbours = ['10.9.1.11', '10.9.1.21', '10.9.1.22'].map((dst, index) => ({
      ...{ dst, dev: 'cni0', lladdr: `02:00:00:00:00:0${index}`, state: ['STALE'] },
    }));
    const forwarding = ['veth-t', 'veth-3', 'veth-b'].map((ifname, index) => ({
      ...{ mac: `02:00:00:00:00:0${index}`, ifname, flags: [], master: 'cni0', state: '' },
    }));
    const known = [at(a, 'veth-a', 4), at(thief, 'veth-t', 13), at(third, 'veth-3', 14), at(pod('gone'), 'veth-b', 5)];
    expect(summary([a, thief, third], read({ links, neighbours, forwarding }), known)).toEqual([
      'bridged veth-a 4',
      'bridged veth-t 13',
      'bridged veth-3 14',
    ]);
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
  const [again] = locatePods([one], read({ neighbours: moved }), { known: [first] });
  expect(again).toMatchObject({ attachment: { hardware: '02:00:00:00:00:0a', device: 'veth-a' } });
});
