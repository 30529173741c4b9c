import { describe, expect, test } from '@jest/globals';
import type { LabelSelector, Requirement } from '../../src/model/labels.js';
import { canonicalText, matches } from '../../src/selectors/match.js';

const selector = (...requirements: readonly Requirement[]): LabelSelector => ({ requirements });
const isIn = (key: string, ...values: readonly string[]): Requirement => ({ operator: 'In', key, values });
const notIn = (key: string, ...values: readonly string[]): Requirement => ({ operator: 'NotIn', key, values });

describe('matches', () => {
  test.each([
    ['nothing required', selector(), {}, true],
    ['In, the value', selector(isIn('app', 'web', 'api')), { app: 'api' }, true],
    ['In, another value', selector(isIn('app', 'web')), { app: 'db' }, false],
    ['In, no such key', selector(isIn('app', '')), {}, false],
    ['NotIn, no such key', selector(notIn('app', 'web')), {}, true],
    ['NotIn, the value', selector(notIn('app', 'web')), { app: 'web' }, false],
    ['Exists, present and empty', selector({ operator: 'Exists', key: 'app' }), { app: '' }, true],
    ['DoesNotExist, present and empty', selector({ operator: 'DoesNotExist', key: 'app' }), { app: '' }, false],
    ['all of several', selector(isIn('app', 'web'), isIn('tier', 'a')), { app: 'web', tier: 'b' }, false],
  ] as const)('%s', (_, one, labels, expected) => {
    expect(matches(one, labels)).toBe(expected);
  });
});

describe('canonicalText', () => {
  test('is one for selectors that mean the same', () => {
    const first = selector(isIn('b', 'y', 'x', 'y'), isIn('a', '1'), isIn('a', '1'));
    expect(canonicalText(first)).toBe(canonicalText(selector(isIn('a', '1'), isIn('b', 'x', 'y'))));
  });

  test('tells apart what differs', () => {
    const all = [
      selector(),
      selector(isIn('a', 'b')),
      selector(notIn('a', 'b')),
      selector({ operator: 'Exists', key: 'a' }),
      selector({ operator: 'DoesNotExist', key: 'a' }),
      selector(isIn('a', 'b', 'c')),
      selector(notIn('a', 'b', 'c')),
      selector(isIn('a', '')),
    ];
    expect(new Set(all.map(canonicalText)).size).toBe(all.length);
  });
});
