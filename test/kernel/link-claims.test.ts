/** Who gets a link that two pods claim, as a table: pods are letters, links numbers. */
import { describe, expect, test } from '@jest/globals';
import { grantLinks, type ClaimSource, type LinkClaim, type LinkOwner } from '../../src/kernel/links/link-claims.js';

/** `a route 1 own 2`: pod a is found at link 1 by a route, its own is 2. */
function claimOf(text: string): LinkClaim {
  const [pod = '', by, link, , own] = text.split(' ');
  return { pod, link: Number(link), by: by as ClaimSource, ...(own === undefined ? {} : { own: Number(own) }) };
}
/** `a 1`: link 1 was a's; `held 1`: that of a live pod which is not asked for. */
const ownersOf = (texts: readonly string[]): ReadonlyMap<number, LinkOwner> =>
  new Map(
    texts.map((text) => {
      const [pod = '', link] = text.split(' ');
      return [Number(link), { pod, isHeld: pod === 'held' }];
    }),
  );

describe('who gets a link', () => {
  test.each<[string, readonly string[], readonly string[], string]>([
    ['nobody had it', [], ['a route 1'], 'a'],
    ['its pod stays', ['a 1'], ['a record 1 own 1'], 'a'],
    ['its pod is gone: the one that is found there', ['gone 1'], ['a bridge 1'], 'a'],
    ['its pod is live and stays: first come, first kept', ['a 1'], ['b route 1', 'a record 1 own 1'], 'a'],
    ['against a result too', ['a 1'], ['b result 1', 'a record 1 own 1'], 'a'],
    ['its pod is live without an address', ['held 1'], ['a result 1'], ''],
    ['its pod is found at another link, which is free', ['a 1'], ['b bridge 1', 'a route 2 own 1'], 'a b'],
    ['two change places', ['a 1', 'b 2'], ['a bridge 2 own 1', 'b bridge 1 own 2'], 'a b'],
    ['three go round', ['a 1', 'b 2', 'c 3'], ['a route 2 own 1', 'b route 3 own 2', 'c route 1 own 3'], 'a b c'],
    [
      'a chain whose last pod stays: nobody moves',
      ['a 1', 'b 2', 'c 3'],
      ['a bridge 2 own 1', 'b bridge 3 own 2', 'c record 3 own 3'],
      'c',
    ],
    [
      'a chain to the link of a pod that is gone: all move',
      ['a 1', 'b 2', 'gone 3'],
      ['a route 2 own 1', 'b route 3 own 2'],
      'a b',
    ],
    ['two claim a link of nobody: the better evidence', [], ['a bridge 1', 'b route 1'], 'b'],
    ['a result before a route', [], ['a route 1', 'b result 1'], 'b'],
    ['alike: the first', [], ['a route 1', 'b route 1'], 'a'],
    ['the same for the link of a pod that is gone', ['gone 1'], ['a bridge 1', 'b bridge 1'], 'a'],
    [
      'refused, it goes back to its own, which another was to have',
      ['a 1', 'b 2'],
      ['c route 1', 'a route 2 own 1', 'b record 2 own 2'],
      'b',
    ],
    ['its second link is free', ['a 1', 'a 2'], ['a record 2 own 2', 'b route 1'], 'a b'],
  ])('%s', (_, owners, claims, expected) => {
    const granted = grantLinks(claims.map(claimOf), ownersOf(owners));
    expect([...granted].sort().join(' ')).toBe(expected);
  });

  test('a thousand pods that change places, and a chain of a thousand that is refused at its end', () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    const owners = new Map(numbers.map((link) => [link, { pod: `p${link}` }]));
    const moved = numbers.map((link) => ({
      pod: `p${link}`,
      link: (link + 1) % 1000,
      by: 'route' as const,
      own: link,
    }));
    expect(grantLinks(moved, owners).size).toBe(1000);
    const stays = moved.map((claim) => (claim.pod === 'p999' ? { ...claim, link: 999, by: 'record' as const } : claim));
    expect([...grantLinks(stays, owners)]).toEqual(['p999']);
  });
});
