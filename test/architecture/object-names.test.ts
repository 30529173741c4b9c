/** Names of chains, counters, sets and maps are written and read in src/nftables/names/, and nowhere else. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import ts from 'typescript';
import { chains } from '../../src/nftables/names/chains.js';
import { counters } from '../../src/nftables/names/counters.js';
import { sets } from '../../src/nftables/names/sets.js';
import { ofChains, ofCounters, ofSets } from '../nftables/names/meanings.js';
import { parse, sourcesIn, walk, type Source } from './sources.js';

const names = [
  ...fc.sample(ofChains, 2000).map(chains.nameOf),
  ...fc.sample(ofCounters, 1000).map(counters.nameOf),
  ...fc.sample(ofSets, 1000).map(sets.nameOf),
];
/** What names begin with, up to a hyphen; and in earlier releases. */
const beginnings = new Set([
  ...names.flatMap((name) => [...name.matchAll(/-/g)].map(({ index }) => name.slice(0, index + 1))),
  ...['would-', 'would-deny-', 'would-allow-', 'tried-', 'dry-'],
]);
/** The first words of names, where a regular expression may leave the hyphen to a group. */
const firstWords = new Set([
  'deny',
  'drop',
  'logged',
  'iso',
  'hit',
  'would',
  'to-report',
  'midstream',
  'peers',
  'guard',
]);

/** Words of types, which the compiler holds to the names. */
const typedKinds: readonly (string | undefined)[] = ['skeleton', 'cache', 'guard-shared', undefined];
/** A device may be called anything. */
const anyDevice: readonly (string | undefined)[] = ['guard', 'egress-guard', 'neighbour-claims'];

function isName(text: string): boolean {
  const kind = chains.meaningOf(text)?.kind;
  const isChain = !typedKinds.includes(kind) && !anyDevice.includes(kind);
  return isChain || counters.meaningOf(text) !== undefined || sets.meaningOf(text) !== undefined;
}

const isBeginning = (text: string): boolean => beginnings.has(text) || beginnings.has(text.split(' ').at(-1) ?? '');

/** The `kind` of a meaning, which the compiler holds to the grammar. */
const isKind = (node: ts.Node): boolean =>
  ts.isPropertyAssignment(node.parent) && node.parent.name.getText() === 'kind';

function namesIn(source: Source): readonly string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    const add = (): void => void found.push(`${source.path}: ${node.getText()}`);
    if (ts.isStringLiteralLike(node)) {
      if (!isKind(node) && (isName(node.text) || isBeginning(node.text))) add();
    } else if (ts.isTemplateHead(node) || ts.isTemplateMiddle(node)) {
      if (isBeginning(node.text)) add();
    } else if (ts.isRegularExpressionLiteral(node)) {
      const words = node.text.split(/[^a-z-]+/);
      if (words.some((word) => beginnings.has(word) || firstWords.has(word.replace(/-$/, '')))) add();
    }
  });
  return found;
}

/** The same words, of something else. */
const otherMeanings = new Set(["src/audit/query/criteria.ts: 'to-'"]);

test('no name is written or read outside of its grammar', () => {
  const others = sourcesIn('src').filter(({ path }) => !path.startsWith('src/nftables/names/'));
  expect(others.flatMap(namesIn).filter((one) => !otherMeanings.has(one))).toEqual([]);
});

test.each([
  "if (chain.startsWith('guard-')) return chain.slice('guard-'.length);",
  'const isDry = /^(?:would-)?deny-/.test(name);',
  'const [, counts] = /^(drop|logged)-(.*)$/.exec(name) ?? [];',
  'const name = `deny-in-${hash}`;',
  'const prefix = `podwall deny-${reason} original`;',
  "const size = sets.get('ingress4')?.elements.size;",
  "const counter = 'drop-mid-stream';",
  "counters.get('to-report');",
])('what would be refused: %s', (text) => {
  expect(namesIn(parse('src/audit/example.ts', text))).not.toEqual([]);
});
