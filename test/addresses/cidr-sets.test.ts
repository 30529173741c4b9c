import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cidrContains, formatCidr, parseAddress, parseCidr, type Address, type Cidr } from '../../src/model/address.js';
import { mergeCidrs, subtractCidrs } from '../../src/addresses/cidr-sets.js';
import '../support/seed.js';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const subtract = (from: string, ...excepts: readonly string[]): string =>
  subtractCidrs(cidr(from), excepts.map(cidr)).map(formatCidr).join(' ');

describe('a block without its excepts', () => {
  test.each([
    ['in the middle', subtract('10.0.0.0/29', '10.0.0.2/32'), '10.0.0.0/31 10.0.0.3/32 10.0.0.4/30'],
    ['at its beginning', subtract('10.0.0.0/29', '10.0.0.0/30'), '10.0.0.4/30'],
    ['at its end', subtract('10.0.0.0/29', '10.0.0.4/30'), '10.0.0.0/30'],
    ['all of it', subtract('10.0.0.0/29', '10.0.0.0/30', '10.0.0.4/30'), ''],
    ['more than all of it', subtract('10.0.0.0/29', '10.0.0.0/8'), ''],
    ['beside it', subtract('10.0.0.0/29', '10.0.1.0/29'), '10.0.0.0/29'],
    ['of the other family', subtract('10.0.0.0/29', '::/0'), '10.0.0.0/29'],
    ['everything at the end of the addresses', subtract('::/0', '8000::/1'), '::/1'],
  ])('%s', (_, left, expected) => {
    expect(left).toBe(expected);
  });

  const small = fc
    .record({ last: fc.nat({ max: 15 }), prefix: fc.integer({ min: 28, max: 32 }) })
    .map(({ last, prefix }) => cidr(`10.0.0.${last & ~(2 ** (32 - prefix) - 1)}/${prefix}`));
  const addresses = Array.from({ length: 18 }, (_, index) => parseAddress(`10.0.0.${index}`) as Address);
  const holds = (cidrs: readonly Cidr[], address: Address): boolean => cidrs.some((one) => cidrContains(one, address));

  test('has exactly the addresses that are in none of them, each once', () => {
    fc.assert(
      fc.property(small, fc.array(small, { maxLength: 4 }), (whole, excepts) => {
        const left = subtractCidrs(whole, excepts);
        for (const address of addresses) {
          expect(holds(left, address)).toBe(cidrContains(whole, address) && !holds(excepts, address));
          expect(left.filter((one) => cidrContains(one, address)).length).toBeLessThan(2);
        }
      }),
    );
  });

  test('merged blocks have the same addresses, and no fewer blocks could', () => {
    fc.assert(
      fc.property(fc.array(small, { maxLength: 5 }), (blocks) => {
        const merged = mergeCidrs(blocks);
        for (const address of addresses) expect(holds(merged, address)).toBe(holds(blocks, address));
        expect(mergeCidrs(merged)).toEqual(merged);
        expect(merged.length).toBeLessThanOrEqual(new Set(blocks.map(formatCidr)).size);
      }),
    );
  });
});
