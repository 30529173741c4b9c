import { describe, expect, test } from '@jest/globals';
import type { Address } from '../../src/model/address.js';
import type { Attachment } from '../../src/model/attachment.js';
import { planGuards, type GuardPlanInput } from '../../src/nftables/plan/guard-plan.js';
import { renderGuards } from '../../src/nftables/render/guards.js';
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
  test('a bridged pod: what it may send, and what may reach it', () => {
    expect(printRuleset(guards(bridged))).toBe(`table netdev podwall {
  comment "Podwall: the addresses that each pod of this node has on its own device";
  chain guard-veth0 {
    comment "shop/api-0: what it may send";
    type filter hook ingress device "veth0" priority -500; policy drop;
    ether type != { ip, arp, ip6 } drop comment "shop/api-0: IP and ARP only"
    ip saddr 10.244.1.11 accept comment "shop/api-0: own address"
    arp saddr ip { 0.0.0.0, 10.244.1.11 } accept
    icmpv6 type { nd-router-advert, nd-redirect } drop comment "a pod is no router"
    ip6 saddr fd00:10:244:1::b accept comment "shop/api-0: own address"
    ip6 saddr fe80::/10 icmpv6 type { mld-listener-report, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept comment "neighbour discovery"
    ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld2-listener-report } accept comment "duplicate address detection"
  }
  chain to-veth0 {
    comment "shop/api-0: what may reach it";
    type filter hook egress device "veth0" priority -500; policy drop;
    ip daddr 10.244.1.11 accept comment "shop/api-0: own address"
    ip6 daddr fd00:10:244:1::b accept comment "shop/api-0: own address"
    meta protocol arp accept
    ip6 daddr { fe80::/10, ff02::/16 } ip6 hoplimit 255 icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept comment "neighbour discovery"
    ip6 daddr ff02::/16 icmpv6 type mld-listener-query accept comment "MLD query"
  }
}
`);
  });

  test('a routed pod needs no egress guard: frames for others never get there', () => {
    expect([...guards(attachment()).chains.keys()]).toEqual(['guard-veth0']);
  });

  test('a namespace that opted out keeps the egress guards of its bridged pods', () => {
    const off = { sourceGuardOffNamespaces: new Set(['shop']) };
    expect([...renderGuards([bridged], off).chains.keys()]).toEqual(['to-veth0']);
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

  test('a pod with IPv6 only may send ARP probes, and no IPv4', () => {
    const text = printRuleset(guards(attachment({ addresses: ['fd00::1' as Address] })));
    expect(text).toContain('arp saddr ip 0.0.0.0 accept');
    expect(text).not.toContain('ip saddr 10.');
    expect(text).toContain('ip6 saddr fd00::1 accept');
  });

  test('two pods on one veth, while an address passes from one to the other', () => {
    const next = attachment({ pod: { namespace: 'shop', name: 'api-1' }, addresses: ['10.244.1.12'] as Address[] });
    const text = printRuleset(guards(attachment(), next));
    expect(text).toContain('arp saddr ip { 0.0.0.0, 10.244.1.11, 10.244.1.12 } accept');
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
  const plan = (change: Partial<GuardPlanInput>) =>
    planGuards({
      desired: guards(attachment()),
      applied: guards(attachment()),
      liveDevices: live,
      hookedIfindex: hooked,
      ...change,
    })?.commands.map((command) => {
      const name = 'name' in command ? command.name : 'chain' in command ? command.chain : '';
      return `${command.kind} ${name}`.trim();
    });
  const rules = Array<string>(7).fill('add rule guard-veth0');
  const anew = ['flush chain guard-veth0', 'delete chain guard-veth0', 'add chain guard-veth0', ...rules];

  test('nothing to do', () => {
    expect(plan({})).toBeUndefined();
  });

  test('without a table: table, chain, rules', () => {
    expect(plan({ applied: undefined })).toEqual(['add table', 'add chain guard-veth0', ...rules]);
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
    expect(plan({ liveDevices: new Map(), applied: guards() })).toBeUndefined();
  });
});
