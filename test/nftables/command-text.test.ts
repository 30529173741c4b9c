import { describe, expect, test } from '@jest/globals';
import { printTransaction } from '../../src/nftables/language/command-text.js';
import type { Command } from '../../src/nftables/language/command.js';

const printed = (...commands: Command[]): string | undefined =>
  printTransaction({ family: 'inet', table: 'podwall', effect: 'none', commands });

const addresses = { name: 's', type: ['ipv4_addr'], verdicts: false, interval: false } as const;

describe('a transaction as nft text', () => {
  test('one line for each command, in their order', () => {
    expect(
      printed(
        { kind: 'flush chain', name: 'in' },
        {
          kind: 'add set',
          set: { name: 'm', type: ['ipv4_addr', 'inet_proto'], verdicts: true, interval: true },
        },
        { kind: 'add set', set: { ...addresses, dynamic: { timeoutSeconds: 60, size: 100 } } },
        { kind: 'add elements', set: 'm', elements: [['10.0.0.0/8 . 0-255', 'goto in']] },
        { kind: 'delete elements', set: 's', keys: ['10.0.0.1', '10.0.0.2'] },
        { kind: 'add rule', chain: 'in', rule: { statements: [{ counter: 'c' }, { drop: null }], comment: 'x/deny' } },
      )?.split('\n'),
    ).toEqual([
      'flush chain inet podwall in',
      'add map inet podwall m { type ipv4_addr . inet_proto : verdict; flags interval; }',
      'add set inet podwall s { type ipv4_addr; flags dynamic,timeout; size 100; timeout 60s; }',
      'add element inet podwall m { 10.0.0.0/8 . 0-255 : goto in }',
      'delete element inet podwall s { 10.0.0.1, 10.0.0.2 }',
      'add rule inet podwall in counter name "c" drop comment "x/deny"',
      '',
    ]);
  });

  test('a title is a comment where nft takes one, and where the kernel has room for it', () => {
    const titled: Command[] = [
      { kind: 'add table', title: 'T "x"' },
      { kind: 'add chain', name: 'c', title: 'C' },
      { kind: 'add set', set: { ...addresses, title: 'S' } },
      { kind: 'add set', set: { ...addresses, interval: true, title: 'I' } },
    ];
    expect(printed(...titled)?.split('\n')).toEqual([
      `add table inet podwall { comment "T 'x'"; }`,
      'add chain inet podwall c { comment "C"; }',
      'add set inet podwall s { type ipv4_addr; }',
      'add set inet podwall s { type ipv4_addr; flags interval; comment "I"; }',
      '',
    ]);
    const transaction = { family: 'inet', table: 'podwall', effect: 'none', commands: titled } as const;
    expect(printTransaction(transaction, { commented: new Set(), keysBy: 'type' })).not.toContain('comment');
  });

  test.each(['guard-eth0.100', 'in-shop-allow.web-1f3a', 'cache4-12'])('%s is a name in text', (name) => {
    expect(printed({ kind: 'add chain', name })).toBe(`add chain inet podwall ${name}\n`);
  });

  test.each(['guard-veth+1', 'guard-a b', 'guard-"', 'guard-{', '-x'])('%s is none', (name) => {
    expect(printed({ kind: 'add chain', name })).toBeUndefined();
    expect(printed({ kind: 'add rule', chain: name, rule: { statements: [{ drop: null }] } })).toBeUndefined();
  });
});
