import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressLayers } from '../../src/addresses/address-layers.js';
import { rangeContains, rangeOf } from '../../src/addresses/address-ranges.js';
import { families, formatCidr, numberToAddress, parseCidr, type Cidr } from '../../src/model/address.js';
import { cases } from '../support/seed.js';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
}

const block = (text: string, ...except: readonly string[]) => ({ cidr: cidr(text), except: except.map(cidr) });
const layersOf = (...blocks: readonly ReturnType<typeof block>[]): readonly string[] =>
  addressLayers(blocks, 'IPv4').map(
    ({ allowed, denied }) => `${allowed.map(formatCidr).join(' ')} | ${denied.map(formatCidr).join(' ')}`,
  );

test.each([
  ['no block', [], []],
  ['a block of the other family', [block('::/0')], []],
  ['blocks that meet are one', [block('10.0.0.0/9'), block('10.128.0.0/9'), block('10.1.0.0/16')], ['10.0.0.0/8 | ']],
  ['an except stays whole', [block('0.0.0.0/0', '10.0.0.1/32')], ['0.0.0.0/0 | 10.0.0.1/32']],
  [
    'what another block around it allows is not denied',
    [block('10.0.0.0/8', '10.1.0.0/16'), block('10.0.0.0/15')],
    ['10.0.0.0/8 | '],
  ],
  [
    'of an except, what another block excepts as well',
    [block('10.0.0.0/8', '10.1.0.0/16'), block('10.0.0.0/15', '10.1.2.0/24')],
    ['10.0.0.0/8 | 10.1.2.0/24'],
  ],
  [
    'what another block holds of an except is a layer of its own',
    [block('10.0.0.0/8', '10.1.0.0/16'), block('10.1.2.0/24')],
    ['10.0.0.0/8 | 10.1.0.0/16', '10.1.2.0/24 | '],
  ],
  ['another block that is the except', [block('10.0.0.0/8', '10.1.0.0/16'), block('10.1.0.0/16')], ['10.0.0.0/8 | ']],
  ['excepts elsewhere and of the other family', [block('10.0.0.0/8', '11.0.0.0/8', '::/0')], ['10.0.0.0/8 | ']],
  ['nested excepts', [block('10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24')], ['10.0.0.0/8 | 10.1.0.0/16']],
] as const)('%s', (_, blocks, expected) => {
  expect(layersOf(...blocks)).toEqual(expected);
});

/** Networks in the lowest 5 bits, so that they meet each other. */
const small = fc.integer({ min: 0, max: 5 }).chain((free) =>
  fc.tuple(fc.integer({ min: 0, max: 31 }), fc.constantFrom(...families)).map(([value, family]): Cidr => {
    const bits = family === 'IPv4' ? 32 : 128;
    return { family, address: numberToAddress(BigInt((value >> free) << free), family), prefix: bits - free };
  }),
);
const blocks = fc.array(fc.record({ cidr: small, except: fc.array(small, { maxLength: 5 }) }), { maxLength: 8 });
const lowest = Array.from({ length: 32 }, (_, value) => BigInt(value));

/** How many of the networks hold each of the lowest addresses. */
function holders(cidrs: readonly Cidr[]): readonly number[] {
  const ranges = cidrs.map(rangeOf);
  return lowest.map((value) => ranges.filter((range) => rangeContains(range, value)).length);
}

test('layers hold what the blocks hold, in no more CIDRs, and these are disjoint', () => {
  fc.assert(
    fc.property(blocks, fc.constantFrom(...families), (list, family) => {
      const layers = addressLayers(list, family);
      const own = list
        .filter((one) => one.cidr.family === family)
        .map(({ cidr: whole, except }) => ({ whole, except: except.filter((one) => one.family === family) }));
      const mostCidrs = own.reduce((sum, { except }) => sum + 1 + except.length, 0);
      expect(layers.flatMap(({ allowed, denied }) => [...allowed, ...denied]).length).toBeLessThanOrEqual(mostCidrs);
      const times = layers.map(({ allowed, denied }) => [holders(allowed), holders(denied)] as const);
      expect(Math.max(0, ...times.flat(2))).toBeLessThanOrEqual(1);
      const held = lowest.map((_, value) =>
        times.some(([allowed, denied]) => allowed[value] === 1 && denied[value] === 0),
      );
      const direct = own.map(({ whole, except }) => [holders([whole]), holders(except)] as const);
      expect(held).toEqual(
        lowest.map((_, value) => direct.some(([inside, out]) => inside[value] === 1 && out[value] === 0)),
      );
    }),
    { numRuns: cases(500) },
  );
});

test('a network around thousands of excepts, and blocks inside the excepts, stay as many as they are', () => {
  const host = (value: number): string => numberToAddress(BigInt(value) * 1_000_003n, 'IPv6');
  const hosts = Array.from({ length: 3000 }, (_, index) => block(`${host(index + 1)}/128`));
  const around = block('::/0', ...hosts.map(({ cidr: one }) => formatCidr(one)));
  const [layer, ...more] = addressLayers([around], 'IPv6');
  expect([layer?.allowed.length, layer?.denied.length, more.length]).toEqual([1, 3000, 0]);
  const inside = addressLayers([block('::/0', '::/1'), ...hosts], 'IPv6');
  expect(inside.map(({ allowed, denied }) => [allowed.length, denied.length])).toEqual([
    [1, 1],
    [3000, 0],
  ]);
});
