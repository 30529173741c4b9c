/** The table of kinds is the only place that knows them; test/model/kinds.test.ts shows that its readers need no more. */
import { expect, test } from '@jest/globals';
import { kinds } from '../../src/model/kinds.js';
import { parse, sourcesIn, type Source } from './sources.js';

/** Files that tell kinds apart without reading objects of them. */
const exceptions: Readonly<Record<string, string>> = {
  'src/model/controller.ts': 'owners, whose objects need not be in the input',
  'src/node/reports/event-conditions.ts': 'objects that an Event can be about',
};

const comparison = new RegExp(`\\bkind(?:\\)|'\\])? [!=]== '(${kinds.map(({ kind }) => kind).join('|')})'`, 'g');
const path = new RegExp(`/apis?/[\\w./]*/(${kinds.map(({ resource }) => resource).join('|')})['"\`]`);

/** Whether it tells several kinds apart, or knows the path of a collection. */
function knowsKinds({ tree: { text } }: Source): boolean {
  const compared = [...text.matchAll(comparison)].map(([, kind]) => kind);
  return new Set(compared).size > 1 || path.test(text);
}

test('no other file tells several kinds apart, or knows the path of a collection', () => {
  const knowing = sourcesIn('src').filter(knowsKinds);
  expect(knowing.map((source) => source.path).sort()).toEqual(Object.keys(exceptions));
});

test.each([
  ["if (object.kind === 'Pod' || object.kind === 'Node') take(object);", true],
  ["if (object.kind === 'Pod') take(object);", false],
  ["const url = '/api/v1/pods';", true],
])('%s: %s', (text, knows) => {
  expect(knowsKinds(parse('src/node/a.ts', text))).toBe(knows);
});
