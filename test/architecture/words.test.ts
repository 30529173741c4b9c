/** Names and messages are in the words of this field: what readers stumbled over is refused, with the right word. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { declaredNames, isName, textsOf, wordsOf, type Name } from './names.js';
import { phrasesRefusedByName, refusedNames, refusedPhrases, refusedWords, usualNames } from './refused-words.js';
import { parse, root, sourcesIn, type Source } from './sources.js';

const pages = [
  'README.md',
  'package.json',
  '.ci/run',
  'helm/Containerfile',
  ...filesIn('helm/podwall'),
  ...filesIn('src/schemas'),
  ...filesIn('policies-examples'),
];

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

const fileNames = (folders: readonly string[]): readonly Name[] =>
  folders.flatMap(filesIn).map((path) => ({ path, line: 0, name: basename(path) }));

/** What the sources name, be it as an identifier or in a string. */
const namesIn = (source: Source): readonly Name[] => [
  ...declaredNames(source),
  ...textsOf(source).filter(({ name }) => isName(name)),
];

function problemsOfNames(names: readonly Name[]): readonly string[] {
  return names.flatMap(({ path, line, name }) => {
    if (usualNames.some((usual) => usual.name.test(name) && usual.path.test(path))) return [];
    const whole = Object.hasOwn(refusedNames, name) ? [[name, refusedNames[name]]] : [];
    const words = wordsOf(name).flatMap((word) =>
      Object.hasOwn(refusedWords, word) ? [[word, refusedWords[word]]] : [],
    );
    return [...whole, ...words].map(([word, right]) => `${path}:${line} ${name}: not "${word}" but ${right}`);
  });
}

/** Lines of what people read. */
function problemsOfProse(texts: readonly Name[]): readonly string[] {
  return texts
    .filter(({ path }) => !phrasesRefusedByName.some((file) => file.test(path)))
    .flatMap(({ path, line, name }) =>
      refusedPhrases
        .filter(([phrase]) => phrase.test(name))
        .map(([phrase, right]) => `${path}:${line} "${phrase.exec(name)?.[0] ?? ''}": ${right}`),
    );
}

const linesOf = (path: string): readonly Name[] =>
  readFileSync(join(root, path), 'utf8')
    .split('\n')
    .map((name, index) => ({ path, line: index + 1, name }));

describe('names', () => {
  test.each(['src', 'test'])('%s/ declares and writes none with a refused word', (folder) => {
    const sources = sourcesIn(folder).filter(({ path }) => !path.startsWith('test/architecture/'));
    expect(problemsOfNames(sources.flatMap(namesIn))).toEqual([]);
  });

  test('files and folders have none', () => {
    expect(problemsOfNames(fileNames(['src', 'test', 'helm', 'policies-examples']))).toEqual([]);
  });
});

describe('what people read', () => {
  test('messages and help', () => {
    expect(problemsOfProse(sourcesIn('src').flatMap(textsOf))).toEqual([]);
  });

  test.each(pages)('%s', (path) => {
    expect(problemsOfProse(linesOf(path))).toEqual([]);
  });
});

describe('the check can fail', () => {
  const names = (text: string): readonly string[] => problemsOfNames(namesIn(parse('src/a.ts', text)));

  test.each([
    ['const toldSince = 1;', 'told'],
    ['interface Plan { readonly isTried: boolean }', 'tried'],
    ['class A { #judge(): void {} }', 'judge'],
    ['const { a: wanted4 } = b;', 'wanted'],
    ["const chain = 'deny-picked-full';", 'picked'],
    ["type Mode = 'enforce' | 'with-audited';", 'audited'],
    ['interface Hit {}', 'Hit'],
    ["import { a as door } from './b.js';", 'door'],
  ])('%s has %s', (text, word) => {
    expect(names(text)).toEqual([expect.stringContaining(`not "${word}"`)]);
  });

  test.each([
    'const endPort = 1; const hits = 2; function matchesOf(): void {}',
    "const text = 'what would be denied';",
    "import { judge } from 'elsewhere'; const answer = { judge };",
  ])('%s has none', (text) => {
    expect(names(text)).toEqual([]);
  });

  test('an old flag and an odd phrase are found in a line', () => {
    const lines = ['podwall agent --audit-keep 3', 'the test is skipped aloud', 'a plain sentence'];
    const problems = problemsOfProse(lines.map((name, index) => ({ path: 'README.md', line: index + 1, name })));
    expect(problems).toEqual([
      'README.md:1 "--audit-keep": --audit-log-maxbackup',
      'README.md:2 "aloud": with a message',
    ]);
  });
});
