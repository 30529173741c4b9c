import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addressToNumber,
  cidrContains,
  formatCidr,
  numberToAddress,
  parseAddress,
  parseCidr,
  type Address,
} from '../../src/model/address.js';
import { mergeCidrs, subtractCidrs } from '../../src/addresses/cidr-sets.js';
import '../support/seed.js';

const cidr = (text: string) => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['FD00::0001', 'fd00::1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::10.0.0.1', '::a00:1'],
  ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ['010.0.0.1', undefined],
  ['1.2.3', undefined],
  ['fe80::1%eth0', undefined],
  ['', undefined],
])('parseAddress(%s)', (text, expected) => {
  expect(parseAddress(text)).toBe(expected);
});

test.each([
  ['10.0.0.5/24', '10.0.0.0/24'],
  ['010.0.0.0/8', '10.0.0.0/8'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:10.0.0.0/90', '::ffc0:0:0/90'],
  ['::10.0.0.1/128', '::a00:1/128'],
  ['::10.0.0.1/120', '::a00:0/120'],
  ['FD00::1/64', 'fd00::/64'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['10.0.0.0/33', undefined],
  ['fd00::/129', undefined],
  ['10.0.0.0', undefined],
  ['10.0.0.0/-1', undefined],
  ['fe80::%1/64', undefined],
  ['0x0a.0.0.0/8', undefined],
])('parseCidr(%s)', (text, expected) => {
  const parsed = parseCidr(text);
  expect(parsed && formatCidr(parsed)).toBe(expected);
});

test('numbers and addresses are inverse', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => {
      expect(addressToNumber(numberToAddress(value, 'IPv4'))).toBe(value);
    }),
  );
  for (const value of [0n, 1n, 2n ** 127n, 2n ** 128n - 1n])
    expect(addressToNumber(numberToAddress(value, 'IPv6'))).toBe(value);
});

test.each([
  // As nft lists ::a00:1.
  ['::10.0.0.1', '::a00:1'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
])('the number of %s is that of %s', (text, same) => {
  expect(addressToNumber(text as Address)).toBe(addressToNumber(same as Address));
});

describe('subtracting and merging', () => {
  test.each([
    ['10.0.0.0/8', ['10.0.0.0/9'], ['10.128.0.0/9']],
    ['10.0.0.0/30', ['10.0.0.1/32'], ['10.0.0.0/32', '10.0.0.2/31']],
    ['10.0.0.0/24', ['10.0.0.0/24'], []],
    ['10.0.0.0/24', ['10.0.0.0/8'], []],
    ['10.0.0.0/24', ['fd00::/8', '10.1.0.0/16'], ['10.0.0.0/24']],
    ['fd00::/127', ['fd00::1/128'], ['fd00::/128']],
    ['0.0.0.0/0', ['0.0.0.0/1', '64.0.0.0/2'], ['128.0.0.0/1']],
  ])('%s without %j', (from, except, left) => {
    expect(subtractCidrs(cidr(from), except.map(cidr)).map(formatCidr)).toEqual(left);
  });

  test('one host taken out of a /0 leaves thirty-two prefixes', () => {
    expect(subtractCidrs(cidr('0.0.0.0/0'), [cidr('10.1.2.3/32')])).toHaveLength(32);
  });

  test('merging covers the same addresses with disjoint prefixes', () => {
    expect(mergeCidrs(['10.0.0.0/25', '10.0.0.128/25', '10.0.0.7/32', 'fd00::/64'].map(cidr)).map(formatCidr)).toEqual([
      '10.0.0.0/24',
      'fd00::/64',
    ]);
  });

  test('an address is in the difference exactly when it is in the block and in no except', () => {
    const small = fc
      .tuple(fc.nat({ max: 255 }), fc.integer({ min: 24, max: 32 }))
      .map(([host, prefix]) => cidr(`10.0.0.${host}/${prefix}`));
    fc.assert(
      fc.property(small, fc.array(small, { maxLength: 5 }), (from, except) => {
        const left = subtractCidrs(from, except);
        for (let host = 0; host < 256; host += 1) {
          const address = numberToAddress(addressToNumber(cidr('10.0.0.0/24').address) + BigInt(host), 'IPv4');
          const expected = cidrContains(from, address) && !except.some((one) => cidrContains(one, address));
          expect(left.filter((one) => cidrContains(one, address)).length).toBe(expected ? 1 : 0);
        }
      }),
    );
  });
});
