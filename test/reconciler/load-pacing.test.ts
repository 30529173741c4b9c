import { describe, expect, test } from '@jest/globals';
import { LoadPacing } from '../../src/reconciler/load-pacing.js';
import { ManualClock } from '../support/manual-clock.js';

function make() {
  const clock = new ManualClock();
  const share = new LoadPacing(clock);
  const work = (milliseconds: number): void => {
    const began = clock.now();
    clock.advance(milliseconds);
    share.addWork(began);
  };
  return { clock, share, work };
}

describe('the share of time that is work', () => {
  test('a lone event, and a few, wait for nothing', () => {
    const { share, work } = make();
    for (let turn = 0; turn < 3; turn += 1) {
      expect(share.pause()).toBe(0);
      work(3);
    }
  });

  test('work that never ends takes a third of the time', () => {
    const { clock, share, work } = make();
    let worked = 0;
    while (clock.now() < 10_000) {
      clock.advance(share.pause());
      work(3);
      worked += 3;
    }
    expect(worked / clock.now()).toBeCloseTo(1 / 3, 2);
  });

  test('after long work the pause is short, and after quiet there is none', () => {
    const { clock, share, work } = make();
    work(1000);
    expect(share.pause()).toBeCloseTo(10);
    clock.advance(10);
    expect(share.pause()).toBe(0);
    work(8);
    clock.advance(60);
    work(8);
    expect(share.pause()).toBe(0);
  });
});
