import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CidrIndex } from '../../src/addresses/cidr-index.js';
import {
  addressToNumber,
  cidrContains,
  familyOf,
  formatCidr,
  parseAddress,
  parseCidr,
  type Address,
  type Cidr,
} from '../../src/model/address.js';
import '../support/seed.js';

const cidrs = ['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/24', '10.0.0.1/32', '::/0', 'fd00::/64', 'fd00::1/128'].map(
  (text) => parseCidr(text) as Cidr,
);
const addresses = ['10.0.0.1', '10.0.0.2', '10.9.0.1', '192.0.2.1', 'fd00::1', 'fd00::2', '2001:db8::1'].map(
  (text) => parseAddress(text) as Address,
);
const entry = fc.record({ cidr: fc.constantFrom(...cidrs), value: fc.constantFrom('a', 'b') });
const step = fc.record({ entry, isAdded: fc.boolean() });

test('after additions and removals it finds what was added and not removed, as often as that', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const index = new CidrIndex<string>();
      const present: { readonly cidr: Cidr; readonly value: string }[] = [];
      for (const { entry: one, isAdded } of steps) {
        if (isAdded) {
          index.add(one.cidr, one.value);
          present.push(one);
          continue;
        }
        index.remove(one.cidr, one.value);
        const known = present.findIndex(
          ({ cidr, value }) => formatCidr(cidr) === formatCidr(one.cidr) && value === one.value,
        );
        if (known >= 0) present.splice(known, 1);
      }
      expect(index.isEmpty).toBe(present.length === 0);
      for (const address of addresses) {
        const expected = present.filter(({ cidr }) => cidrContains(cidr, address)).map(({ value }) => value);
        expect([...index.at(addressToNumber(address), familyOf(address))].sort()).toEqual(expected.sort());
      }
    }),
  );
});
