import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { difference, hasPort, intersection, portSet, union } from '../../src/evaluation/port-sets.js';
import type { PortRange, PortSet } from '../../src/model/reachability.js';
import { cases, seed } from '../support/seed.js';

const highest = 12;
const protocols = ['SCTP', 'TCP', 'UDP'] as const;
const range: fc.Arbitrary<PortRange> = fc.record({
  protocol: fc.constantFrom(...protocols),
  first: fc.integer({ min: 0, max: highest }),
  last: fc.integer({ min: 0, max: highest }),
});
const set = fc.array(range, { maxLength: 6 }).map(portSet);

/** Every port, one by one. */
const portsOf = (of: PortSet): readonly string[] =>
  protocols.flatMap((protocol) =>
    Array.from({ length: highest }, (_, index) => index + 1).flatMap((port) =>
      hasPort(of, protocol, port) ? [`${protocol} ${port}`] : [],
    ),
  );

test('sets of ports add, intersect and subtract port by port, and are as portSet makes them', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const [inA, inB] = [portsOf(a), portsOf(b)];
      expect(portsOf(intersection(a, b))).toEqual(inA.filter((port) => inB.includes(port)));
      expect(portsOf(difference(a, b))).toEqual(inA.filter((port) => !inB.includes(port)));
      expect(new Set(portsOf(union(a, b)))).toEqual(new Set([...inA, ...inB]));
      for (const made of [intersection(a, b), difference(a, b), union(a, b)]) expect(made).toEqual(portSet(made));
    }),
    { seed, numRuns: cases(500) },
  );
});

test('an intersection that is one of the two is that very one', () => {
  const [wide, narrow] = [
    portSet([{ protocol: 'TCP', first: 1, last: 90 }]),
    portSet([{ protocol: 'TCP', first: 5, last: 7 }]),
  ];
  expect(intersection(wide, narrow)).toBe(narrow);
  expect(intersection(narrow, wide)).toBe(narrow);
});
