import { expect, test } from '@jest/globals';
import type { Address } from '../../src/model/address.js';
import type { LinkBinding } from '../../src/model/link-binding.js';
import { guardedLinks } from '../../src/nftables/plan/guarded-links.js';
import { renderGuards } from '../../src/nftables/render/guards.js';
import { GuardTable } from '../../src/reconciler/guard-table.js';
import { LinkBindings } from '../../src/reconciler/link-bindings.js';
import { FakeNftables } from '../support/fake-nftables.js';

const binding = (name: string, ifindex: number, change: Partial<LinkBinding> = {}): LinkBinding => ({
  pod: { namespace: 'x', name },
  podUid: `uid-${name}`,
  device: `veth-${name}`,
  ifindex,
  kind: 'bridged',
  bridge: 'cni0',
  addresses: [`10.244.1.${ifindex}`, `fd00:10:244:1::${ifindex}`] as Address[],
  ...change,
});
const [a, b] = [binding('a', 11), binding('b', 12)];
const live = (...links: readonly LinkBinding[]): Map<string, number> =>
  new Map([['uplink', 2], ...links.map(({ device, ifindex }) => [device, ifindex] as const)]);
const names = (bindings: LinkBindings): string[] =>
  bindings.all().map(({ pod, device, ifindex }) => `${pod.name} ${device} ${ifindex}`);

test('a binding ends with its link alone, and follows a rename', () => {
  const bindings = new LinkBindings();
  expect(bindings.update([a, b], live(a, b))).toHaveLength(2);
  expect(bindings.update([a, b], live(a, b))).toEqual([]);
  expect(bindings.update([], live(a, b))).toEqual([]);
  const renamed = { ...a, device: 'renamed' };
  expect(bindings.update([], live(renamed, b))).toHaveLength(1);
  expect(names(bindings)).toEqual(['a renamed 11', 'b veth-b 12']);
  // Made anew under its name, it is another link.
  expect(bindings.update([], live(renamed, { ...b, ifindex: 40 }))).toEqual([{ kind: 'link', name: '12' }]);
  expect(names(bindings)).toEqual(['a renamed 11']);
});

test('of a pod that is found at another link, the first is nobody any more that is known, with no address', () => {
  const bindings = new LinkBindings();
  bindings.update([a, b], live(a, b));
  const moved = { ...a, device: b.device, ifindex: b.ifindex, addresses: b.addresses };
  const news = bindings.update([moved], live(a, b));
  const left = { ...a, pod: { namespace: '', name: 'veth-a' }, podUid: '', addresses: [] };
  expect(news).toEqual([
    { kind: 'link', name: '12', link: moved },
    { kind: 'link', name: '11', link: left },
  ]);
  expect(bindings.all()).toEqual([left, moved]);
  // In a circle, each link has its pod.
  const [there, back] = [
    { ...a, addresses: b.addresses },
    { ...b, addresses: a.addresses },
  ];
  bindings.update([there, back], live(a, b));
  expect(bindings.all()).toEqual([there, back]);
});

test('a guard says whose its link is, whichever chains there are', () => {
  const hardware = '02:00:0a:00:00:01';
  const guards = renderGuards(
    [
      { ...a, hardware },
      { ...b, kind: 'routed' },
    ],
    { sourceGuardOffNamespaces: new Set() },
  );
  expect(guardedLinks(guards)).toEqual([
    { pod: a.pod, podUid: '', device: 'veth-a', kind: 'bridged', addresses: a.addresses, hardware },
    { pod: b.pod, podUid: '', device: 'veth-b', kind: 'routed', addresses: b.addresses },
  ]);
  const off = renderGuards([a], { sourceGuardOffNamespaces: new Set(['x']) });
  expect(guardedLinks(off)).toMatchObject([{ device: 'veth-a', addresses: a.addresses }]);
});

test('guards without addresses, and of pods whose names are too long, are taken over too', () => {
  const long = binding('n'.repeat(200), 13, { device: 'long0' });
  const guards = renderGuards([{ ...a, addresses: [] }, long], { sourceGuardOffNamespaces: new Set() });
  const bindings = new LinkBindings();
  bindings.adopt(guardedLinks(guards), live(a, long));
  expect(names(bindings)).toEqual(['veth-a veth-a 11', 'long0 long0 13']);
  expect(bindings.all()[1]?.addresses).toEqual(long.addresses);
});

test('guards are taken over where no record names the link', () => {
  const guards = renderGuards([a, b], { sourceGuardOffNamespaces: new Set() });
  const recorded = new LinkBindings([a]);
  recorded.adopt(guardedLinks(guards), live(a, b));
  expect(recorded.all()).toMatchObject([{ podUid: 'uid-a' }, { pod: b.pod, podUid: '', ifindex: 12 }]);
  // A chain has hooked another link of the name that it was made for.
  const remade = new LinkBindings([a]);
  remade.adopt(guardedLinks(guards), live({ ...a, ifindex: 40 }, b));
  remade.update([], live({ ...a, ifindex: 40 }, b));
  expect(names(remade)).toEqual(['b veth-b 12']);
  // Found again, it has its uid.
  recorded.update([b], live(a, b));
  expect(recorded.all()[1]).toEqual(b);
});

test('an agent without a record learns uids anew from where pods are found, as news to be recorded', async () => {
  const links = {
    discover: () => Promise.resolve({ attachments: [a, b], unattached: [] }),
    devices: () => Promise.resolve(live(a, b)),
    tunnelPorts: () => Promise.resolve(new Set<number>()),
  };
  const nft = new FakeNftables();
  const tables = [new GuardTable(nft, links), new GuardTable(nft, links)];
  for (const table of tables) {
    await table.converge([a, b], new Set());
    expect(table.takeNews()).toContainEqual({ kind: 'link', name: '11', link: a });
    expect(table.bindings.all()).toEqual([a, b]);
    const { revision } = table.bindings;
    expect(revision).toBeGreaterThan(0);
    await table.converge([a, b], new Set());
    expect(table.takeNews()).toEqual([]);
    expect(table.bindings.revision).toBe(revision);
  }
});
