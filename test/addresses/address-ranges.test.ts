import { describe, expect, test } from '@jest/globals';
import {
  cutAtBorders,
  coverage,
  everyAddress,
  intersectRanges,
  subtractRanges,
  type AddressRange,
} from '../../src/addresses/address-ranges.js';

const range = (first: number, last: number): AddressRange => ({ first: BigInt(first), last: BigInt(last) });
const text = (ranges: readonly AddressRange[]): string => ranges.map(({ first, last }) => `${first}-${last}`).join(' ');

describe('address ranges', () => {
  test.each([
    [[range(0, 9)], '0-9'],
    [[range(0, 9), range(2, 4)], '0-1 2-4 5-9'],
    [[range(0, 9), range(0, 4), range(3, 9)], '0-2 3-4 5-9'],
    [[range(0, 1), range(4, 5)], '0-1 2-3 4-5'],
    [[], ''],
  ])('cut at borders: %j', (ranges, expected) => {
    expect(text(cutAtBorders(ranges))).toBe(expected);
  });

  test.each([
    [[], '0-9'],
    [[range(0, 9)], ''],
    [[range(8, 20), range(3, 4), range(4, 5)], '0-2 6-7'],
  ])('subtracted: %j', (holes, expected) => {
    expect(text(subtractRanges(range(0, 9), holes))).toBe(expected);
  });

  test('in common', () => {
    expect(intersectRanges(range(0, 5), range(5, 9))).toEqual(range(5, 5));
    expect(intersectRanges(range(0, 4), range(5, 9))).toBeUndefined();
  });

  test.each([
    [[range(0, 3), range(4, 20)], 'all'],
    [[range(0, 3), range(5, 20)], 'part'],
    [[range(10, 20)], 'none'],
  ])('covered by %j: %s', (blocks, expected) => {
    expect(coverage(range(0, 9), blocks)).toBe(expected);
  });

  test('a whole family', () => {
    expect(everyAddress('IPv4')).toEqual(range(0, 2 ** 32 - 1));
  });
});
