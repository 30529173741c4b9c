import { describe, expect, test } from '@jest/globals';
import { Timeline } from '../../src/audit/timeline.js';

describe('Timeline', () => {
  test('what held at a time, and nothing before, between or after', () => {
    const timeline = new Timeline<string, string>({ kept: 1000, pastKeys: 10 });
    timeline.set('a', 'one', 10);
    timeline.set('a', undefined, 20);
    timeline.set('a', 'two', 30);
    expect([9, 10, 19, 20, 29, 30, 99].map((time) => timeline.at('a', time))).toEqual([
      undefined,
      'one',
      'one',
      undefined,
      undefined,
      'two',
      'two',
    ]);
  });

  test('the same under another form goes on', () => {
    const timeline = new Timeline<string, { id: number; text: string }>({ kept: 1000, pastKeys: 10 });
    const sameId = (a: { id: number }, b: { id: number }): boolean => a.id === b.id;
    timeline.set('a', { id: 1, text: 'old' }, 10, sameId);
    timeline.set('a', { id: 1, text: 'new' }, 20, sameId);
    expect(timeline.at('a', 15)?.text).toBe('new');
  });

  test('only what has ended is ever given up', () => {
    const timeline = new Timeline<string, number>({ kept: 1000, pastKeys: 2 });
    for (let key = 0; key < 5; key += 1) timeline.set(`live${key}`, key, 1);
    for (let key = 0; key < 5; key += 1) {
      timeline.set(`ended${key}`, key, 1);
      timeline.set(`ended${key}`, undefined, 2);
    }
    expect([0, 1, 2, 3, 4].map((key) => timeline.at(`live${key}`, 1))).toEqual([0, 1, 2, 3, 4]);
    expect([0, 1, 2, 3, 4].map((key) => timeline.at(`ended${key}`, 1))).toEqual([
      undefined,
      undefined,
      undefined,
      3,
      4,
    ]);
  });

  test('the latest is kept for a while after its end', () => {
    const timeline = new Timeline<string, string>({ kept: 1000, pastKeys: 10 });
    timeline.set('chain', 'meaning', 10);
    expect(timeline.latest('chain', 5)).toBe('meaning');
    timeline.set('chain', undefined, 20);
    expect([1019, 1020].map((time) => timeline.latest('chain', time))).toEqual(['meaning', undefined]);
  });
});
