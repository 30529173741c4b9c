import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PacketSender } from '../../../src/audit/attribution/logged-packet.js';
import { SenderShares } from '../../../src/audit/sharing/sender-shares.js';
import type { Address } from '../../../src/model/address.js';
import { seed } from '../../support/seed.js';

const pod = (uid: string): PacketSender => ({
  address: '10.0.0.1' as Address,
  class: 'pod',
  pod: { ref: { namespace: 'x', name: uid }, uid } as NonNullable<PacketSender['pod']>,
});
const stranger = (address: string): PacketSender => ({ address: address as Address, class: 'external' });
const rate = 20;
const day = 86_400_000;

describe('SenderShares', () => {
  test('a quiet pod has every record, whatever pods and addresses do before and between', () => {
    const step = fc.record({
      wait: fc.nat(400),
      loud: fc.array(
        fc.oneof(
          fc.nat(5).map((one) => pod(`loud-${one}`)),
          fc.ipV4().map(stranger),
        ),
        { maxLength: 60 },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const shares = new SenderShares(rate, 0);
        let now = 0;
        for (const { wait, loud } of steps) {
          now += wait;
          for (const sender of loud) shares.take(sender, now);
          // At most 100 at once: within what a share holds from the beginning.
          expect(shares.take(pod('quiet'), now)).toBe(true);
        }
      }),
      { seed },
    );
  });

  test('a scanner has the burst at once, its rate then, and a tenth of that in the long run', () => {
    const shares = new SenderShares(rate, 0);
    const taken = (now: number, tries: number): number =>
      Array.from({ length: tries }, () => shares.take(pod('loud'), now)).filter(Boolean).length;
    expect(taken(0, 40_000)).toBe(200);
    expect(taken(1000, 40_000)).toBe(20);
    let ofDay = 0;
    for (let second = 2; second < day / 1000; second += 1) ofDay += taken(second * 1000, 40);
    expect(ofDay).toBeLessThan(20_000 + 2 * (day / 1000));
    expect(ofDay).toBeGreaterThan(2 * (day / 1000));
  });

  test('who invents addresses has no more than ten shares, and the pods theirs', () => {
    const shares = new SenderShares(rate, 0);
    let granted = 0;
    for (let host = 0; host < 100_000; host += 1)
      if (shares.take(stranger(`198.${host >> 16}.${(host >> 8) & 255}.${host & 255}`), host / 100)) granted += 1;
    expect(granted).toBeLessThanOrEqual(2000 + 200);
    expect(Array.from({ length: 200 }, () => shares.take(pod('quiet'), 1000)).every(Boolean)).toBe(true);
  });
});
