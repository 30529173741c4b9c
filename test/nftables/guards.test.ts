import { describe, expect, test } from '@jest/globals';
import type { Address } from '../../src/model/address.js';
import type { Attachment } from '../../src/model/attachment.js';
import { planGuards, type GuardPlanInput } from '../../src/nftables/plan/guard-plan.js';
import { renderGuards } from '../../src/nftables/render/guards.js';
import type { Ruleset, SetForm } from '../../src/nftables/language/types.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';

const attachment = (change: Partial<Attachment> = {}): Attachment => ({
  pod: { namespace: 'shop', name: 'api-0' },
  podUid: 'uid-0',
  device: 'veth0',
  ifindex: 7,
  kind: 'routed',
  addresses: ['10.244.1.11', 'fd00:10:244:1::b'] as Address[],
  ...change,
});
const bridged = attachment({ kind: 'bridged', bridge: 'cni0' });
const noneOff = { sourceGuardOffNamespaces: new Set<string>() };
const guards = (...attachments: readonly Attachment[]) => renderGuards(attachments, noneOff);

describe('renderGuards', () => {
  /** The text of one chain. */
  const chainIn = (ruleset: Ruleset, name: string): string =>
    printRuleset({ ...ruleset, sets: new Map(), chains: new Map([...ruleset.chains].filter(([one]) => one === name)) })
      .split('\n')
      .slice(2, -2)
      .join('\n');
  const hooked = (ruleset: Ruleset): string[] =>
    [...ruleset.chains.values()].filter(({ hook }) => hook !== undefined).map(({ name }) => name);

  test('a bridged pod: what it may send, and what may reach it', () => {
    const ruleset = guards({ ...bridged, hardware: '02:00:0a:00:00:01' });
    expect(chainIn(ruleset, 'guard-veth0')).toBe(`  chain guard-veth0 {
    comment "shop/api-0: what it may send";
    type filter hook ingress device "veth0" priority -500; policy drop;
    ether type != { ip, arp, ip6 } drop comment "shop/api-0: IP and ARP only"
    ip saddr 10.244.1.11 jump own-ipv4 comment "shop/api-0: own address"
    ip6 saddr fd00:10:244:1::b jump own-ipv6 comment "shop/api-0: own address"
    meta length <= 46 arp saddr ether 02:00:0a:00:00:01 arp saddr ip 10.244.1.11 accept comment "ARP"
    meta length <= 46 arp saddr ether 02:00:0a:00:00:01 arp saddr ip 0.0.0.0 arp daddr ip 10.244.1.11 accept
    ip6 nexthdr ipv6-icmp ip6 hoplimit 255 jump claims-veth0
    ip6 saddr { ::, fe80::/10 } jump listener-reports comment "multicast listener reports"
  }`);
    expect(chainIn(ruleset, 'to-veth0')).toBe(`  chain to-veth0 {
    comment "shop/api-0: what may reach it";
    type filter hook egress device "veth0" priority -500; policy drop;
    ether type != { ip, arp, ip6 } drop comment "shop/api-0: IP and ARP only"
    ip daddr 10.244.1.11 accept comment "shop/api-0: own address"
    ip6 daddr fd00:10:244:1::b accept comment "shop/api-0: own address"
    meta length <= 60 meta protocol arp accept
    ip6 daddr { fe80::/10, ff02::/16 } ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } meta length <= 94 accept comment "neighbour discovery"
    ip6 daddr { fe80::/10, ff02::/16 } ip6 hoplimit 255 icmpv6 type nd-router-advert accept comment "neighbour discovery"
    ip6 daddr ff02::/16 icmpv6 type mld-listener-query accept comment "MLD query"
  }`);
    const claims = chainIn(ruleset, 'claims-veth0');
    // The address that follows from the hardware address is the pod's; another one of that form is another's.
    expect(claims).toContain('ip6 saddr { fd00:10:244:1::b, fe80::aff:fe00:1 } jump neighbour-messages');
    expect(claims).toContain('@th,192,16 257 @th,208,48 != 2199191027713 return');
    expect(claims).toContain('@nh,152,16 != 65534');
  });

  test('tunnels to nodes: their ports, their addresses, and who may use them', () => {
    const tunnels = {
      ports: new Set([4789]),
      nodes: new Set(['192.0.2.1', '2001:db8::1'] as Address[]),
      allowedNamespaces: new Set(['vpn']),
    };
    const vpn = attachment({ pod: { namespace: 'vpn', name: 'gate' }, device: 'veth1', ifindex: 8 });
    const ruleset = renderGuards([bridged, vpn], { ...noneOff, tunnels });
    const elements = (name: string): string[] => [...(ruleset.sets.get(name)?.elements.keys() ?? [])];
    expect([elements('tunnel-ports'), elements('node-addresses4'), elements('node-addresses6')]).toEqual([
      ['4789'],
      ['192.0.2.1'],
      ['2001:db8::1'],
    ]);
    expect(chainIn(ruleset, 'guard-veth0')).toContain('ip saddr 10.244.1.11 jump own-ipv4 ');
    expect(chainIn(ruleset, 'guard-veth1')).toContain('ip saddr 10.244.1.11 jump own-ipv4-tunnels ');
    for (const [chain, isBound] of [
      ['own-ipv4', true],
      ['own-ipv6', true],
      ['own-ipv4-tunnels', false],
      ['own-ipv6-tunnels', false],
    ] as const) {
      expect(chainIn(ruleset, chain).includes('fib daddr type')).toBe(isBound);
      expect(chainIn(ruleset, chain)).toContain('loopback');
      expect(chainIn(ruleset, chain)).toContain('source route');
    }
    expect(renderGuards([vpn], { ...noneOff, tunnels }).chains.has('own-ipv4')).toBe(false);
  });

  test('what goes to many passes between pods that nobody isolates, and only where that is known', () => {
    const other = attachment({
      ...{ pod: { namespace: 'shop', name: 'api-1' }, device: 'veth1', ifindex: 8, kind: 'bridged', bridge: 'cni0' },
      ...{ addresses: ['10.244.1.12'] as Address[], hardware: '02:00:0a:00:00:02' },
    });
    const isolated = { ingress: new Set(['shop/api-0']), egress: new Set(['shop/api-0']) };
    const ruleset = renderGuards([bridged, other], { ...noneOff, isolated });
    const senders = (family: 4 | 6): string[] => [
      ...(ruleset.sets.get(`multicast-senders${family}`)?.elements.keys() ?? []),
    ];
    expect([senders(4), senders(6)]).toEqual([['10.244.1.12'], ['fe80::aff:fe00:2']]);
    expect(chainIn(ruleset, 'to-veth0')).not.toContain('jump multicast');
    expect(chainIn(ruleset, 'to-veth1')).toContain('meta pkttype { broadcast, multicast } jump multicast');
    expect(chainIn(ruleset, 'guard-veth0')).not.toContain('ip6 daddr ff00::/8');
    expect(chainIn(ruleset, 'guard-veth1')).toContain('ip6 saddr fe80::aff:fe00:2 ip6 daddr ff00::/8 jump own-ipv6');
    const unknown = guards(bridged, other);
    expect(printRuleset(unknown)).not.toContain('jump multicast');
    expect(unknown.sets.get('multicast-senders4')?.elements.size).toBe(0);
  });

  test('a device that no text can name has no set of bits, which JSON cannot express', () => {
    const ruleset = guards(bridged, attachment({ device: 'veth1@x', ifindex: 8 }));
    expect([...ruleset.sets.values()].flatMap(({ type }) => type)).not.toContain('integer');
    expect(guards(bridged).sets.get('link-local-7')?.type).toEqual(['integer']);
  });

  test('a routed pod needs no egress guard: frames for others never get there', () => {
    expect(hooked(guards(attachment()))).toEqual(['guard-veth0']);
  });

  test('a namespace that opted out keeps the egress guards of its bridged pods', () => {
    const off = { sourceGuardOffNamespaces: new Set(['shop']) };
    expect(hooked(renderGuards([bridged], off))).toEqual(['to-veth0']);
    expect(renderGuards([attachment()], off).chains.size).toBe(0);
  });

  test('in a dry run nothing is dropped, and what would be dropped is recorded', () => {
    const audit = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };
    const text = (mode: 'dry-run' | 'enforce'): string =>
      printRuleset(renderGuards([bridged], { ...noneOff, audit, mode }));
    const [dry, enforced] = [text('dry-run'), text('enforce')];
    expect(dry).not.toMatch(/\bdrop\b|drop-|policy drop/);
    expect(dry.match(/policy accept/g)).toHaveLength(2);
    for (const [drops, reports] of [
      ['drop-guard', 'to-report-guard'],
      ['logged-guard', 'logged-report-guard'],
      ['drop-bridge', 'to-report-bridge'],
      ['logged-bridge', 'logged-report-bridge'],
    ] as const)
      expect(dry.split(`"${reports}"`)).toHaveLength(enforced.split(`"${drops}"`).length);
    expect(dry.split('podwall to-veth0 packet')).toHaveLength(3);
  });

  test('a pod with IPv6 only may send no ARP and no IPv4', () => {
    const text = printRuleset(guards(attachment({ addresses: ['fd00::1' as Address] })));
    expect(text).not.toContain('arp ');
    expect(text).not.toContain('ip saddr 10.');
    expect(text).toContain('ip6 saddr fd00::1 jump own-ipv6');
  });

  test('two pods on one veth, while an address passes from one to the other', () => {
    const next = attachment({ pod: { namespace: 'shop', name: 'api-1' }, addresses: ['10.244.1.12'] as Address[] });
    const text = printRuleset(guards(attachment(), next));
    expect(text).toContain('arp saddr ip { 10.244.1.11, 10.244.1.12 } accept');
    expect(text.match(/chain guard-veth0/g)).toHaveLength(1);
  });

  test('a comment never grows beyond what nft takes', () => {
    const pod = { namespace: 'n'.repeat(63), name: 'p'.repeat(253) };
    for (const chain of guards(attachment({ pod })).chains.values())
      for (const { comment } of chain.rules) expect(Buffer.byteLength(comment ?? '')).toBeLessThanOrEqual(128);
  });
});

describe('planGuards', () => {
  const live = new Map([['veth0', 7]]);
  const hooked = new Map([['guard-veth0', 7]]);
  /** What is done to the guard of one device. */
  const plan = (change: Partial<GuardPlanInput>): string[] | undefined =>
    planAll(change)?.filter((command) => / guard-veth/.test(command));
  const planAll = (change: Partial<GuardPlanInput>): string[] | undefined =>
    planGuards({
      desired: guards(attachment()),
      applied: guards(attachment()),
      liveDevices: live,
      hookedIfindex: hooked,
      ...change,
    })?.commands.map((command) => {
      const name =
        'name' in command ? command.name : 'chain' in command ? command.chain : 'set' in command ? setOf(command) : '';
      return `${command.kind} ${name}`.trim();
    });
  const setOf = ({ set }: { readonly set: string | SetForm }): string => (typeof set === 'string' ? set : set.name);
  const rules = Array<string>(7).fill('add rule guard-veth0');
  const anew = ['flush chain guard-veth0', 'delete chain guard-veth0', 'add chain guard-veth0', ...rules];

  test('nothing to do', () => {
    expect(plan({})).toBeUndefined();
  });

  test('without a table: table, chain, rules', () => {
    expect(plan({ applied: undefined })).toEqual(['add chain guard-veth0', ...rules]);
    expect(planAll({ applied: undefined })?.[0]).toBe('add table');
  });

  test('new addresses: the rules are replaced in one transaction, the hook stays', () => {
    const applied = guards(attachment({ addresses: ['10.244.1.99'] as Address[] }));
    expect(plan({ applied })).toEqual(['flush chain guard-veth0', ...rules]);
  });

  test('a device made anew under the same name: so is the chain', () => {
    expect(plan({ liveDevices: new Map([['veth0', 8]]) })).toEqual(anew);
  });

  test('a chain found at start may hang on a device that is gone: made anew', () => {
    expect(plan({ hookedIfindex: new Map() })).toEqual(anew);
  });

  test('a renamed device: its chain goes, one of the new name comes', () => {
    const commands = plan({ desired: guards(attachment({ device: 'veth1' })), liveDevices: new Map([['veth1', 7]]) });
    expect(commands?.slice(0, 3)).toEqual([
      'flush chain guard-veth0',
      'delete chain guard-veth0',
      'add chain guard-veth1',
    ]);
  });

  test('a device that went: its chain would hook the next one of that name', () => {
    expect(plan({ liveDevices: new Map() })).toEqual(['flush chain guard-veth0', 'delete chain guard-veth0']);
    expect(plan({ desired: guards() })).toEqual(['flush chain guard-veth0', 'delete chain guard-veth0']);
    expect(plan({ liveDevices: new Map(), applied: guards() })).not.toContain('add chain guard-veth0');
    expect(plan({ liveDevices: new Map(), desired: guards(), applied: guards() })).toBeUndefined();
  });

  test('a port of a tunnel that comes is an element, and nothing is written twice', () => {
    const withPort = (...ports: number[]) =>
      renderGuards([attachment()], {
        ...noneOff,
        tunnels: { ports: new Set(ports), nodes: new Set(), allowedNamespaces: new Set() },
      });
    const change = { desired: withPort(4789, 6081), applied: withPort(4789, 8472) };
    expect(planAll(change)).toEqual(['delete elements tunnel-ports', 'add elements tunnel-ports']);
  });

  test('what a pod has announced stays when its guard is written anew', () => {
    const applied = guards(attachment({ addresses: ['10.244.1.99'] as Address[] }));
    expect(planAll({ applied })?.filter((command) => command.includes('link-local'))).toEqual([]);
  });
});
