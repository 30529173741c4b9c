/** The verdict cache forgets what concerns these addresses. */
import { expect, test } from '@jest/globals';
import type { Difference } from '../../src/nftables/plan/difference.js';
import { narrowedAddresses } from '../../src/nftables/plan/narrowed-addresses.js';

const nothing = { newBaseChains: [], changedChains: [], cacheDamaged: false };

test('an address that comes to a set, and one that goes, are both concerned', () => {
  const set = {
    name: 'isolated-in4',
    type: ['ipv4_addr'],
    verdicts: false,
    interval: false,
    elements: new Map(),
  } as const;
  const elements = [{ set, added: [['10.0.0.1', '']], removed: ['10.0.0.2'] }] satisfies Difference['elements'];
  expect(narrowedAddresses({ ...nothing, elements })).toEqual(new Set(['10.0.0.1', '10.0.0.2']));
});
