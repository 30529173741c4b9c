import { describe, expect, test } from '@jest/globals';
import { printTransaction } from '../../src/nftables/language/transaction-text.js';
import type { Command } from '../../src/nftables/language/types.js';

const table = { family: 'inet', table: 'podwall' };
const printed = (...commands: Command[]): string | undefined => printTransaction({ commands });

describe('a transaction as nft text', () => {
  test('one line for each command, in their order', () => {
    const key = { concat: [{ prefix: { addr: '10.0.0.0', len: 8 } }, { range: [0, 255] }] };
    expect(
      printed(
        { flush: { chain: { ...table, name: 'in' } } },
        {
          add: { map: { ...table, name: 'm', type: ['ipv4_addr', 'inet_proto'], map: 'verdict', flags: ['interval'] } },
        },
        { add: { set: { ...table, name: 's', type: 'ipv4_addr', flags: ['timeout'], timeout: 60, size: 100 } } },
        { add: { element: { ...table, name: 'm', elem: [[key, { goto: { target: 'in' } }]] } } },
        { delete: { element: { ...table, name: 's', elem: ['10.0.0.1', '10.0.0.2'] } } },
        { add: { rule: { ...table, chain: 'in', expr: [{ counter: 'c' }, { drop: null }], comment: 'x/deny' } } },
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

  test.each(['guard-eth0.100', 'in-shop-allow.web-1f3a', 'cache4-12'])('%s is a name in text', (name) => {
    expect(printed({ add: { chain: { ...table, name } } })).toBe(`add chain inet podwall ${name}\n`);
  });

  test.each(['guard-veth+1', 'guard-a b', 'guard-"', 'guard-{', '-x'])('%s is none', (name) => {
    expect(printed({ add: { chain: { ...table, name } } })).toBeUndefined();
    expect(printed({ add: { rule: { ...table, chain: name, expr: [{ drop: null }] } } })).toBeUndefined();
  });
});
