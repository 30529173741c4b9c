import { describe, expect, test } from '@jest/globals';
import { readDocuments } from '../../src/manifests/documents.js';
import { readPlainYaml } from '../../src/manifests/plain-yaml.js';
import { locate, parseYaml, rangeIn, type Tree } from '../../src/manifests/yaml-trees.js';
import { corpus, exampleManifests, mutated } from '../fuzz/mutations.js';
import { cases, seed } from '../support/seed.js';

type Path = readonly (string | number)[];

/** Every path of a value, the root's first. */
function* pathsOf(value: unknown, at: Path = []): Generator<Path> {
  yield at;
  if (typeof value !== 'object' || value === null) return;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [key, entry] of entries) yield* pathsOf(entry, [...at, key]);
}

interface Reading {
  readonly object: unknown;
  readonly places: unknown;
}

const fromTree = (tree: Tree): Reading => {
  const object: unknown = tree.document.toJS({ maxAliasCount: -1 });
  const places = [...pathsOf(object)].map((path) => [
    path,
    locate(tree, path),
    rangeIn(tree, path, 'key'),
    rangeIn(tree, path, 'value'),
  ]);
  return { object, places };
};

/** As the YAML reader has it. */
function read(text: string): readonly Reading[] {
  const { trees, errors } = parseYaml(text, 'f.yaml');
  expect(errors).toEqual([]);
  return trees.map(fromTree).filter(({ object }) => object !== null && object !== undefined);
}

/** As it is read without a tree. Lists are whole: unfolding them comes later. */
function readPlainly(text: string): readonly Reading[] | undefined {
  const plain = readPlainYaml(text);
  if (plain === undefined) return undefined;
  const isUnfolded = plain.some(({ object }) => String((object as { kind?: unknown }).kind).endsWith('List'));
  const { documents } = readDocuments(text, 'f.yaml');
  return plain.map(({ object }, index) => {
    const document = isUnfolded ? undefined : documents[index];
    const paths = [...pathsOf(object)];
    return {
      object,
      places: document && [
        ...paths.map((path) => [
          path,
          document.position(path),
          document.range(path, 'key'),
          document.range(path, 'value'),
        ]),
      ],
    };
  });
}

/** Whether the text was plain, and then that it was read as the YAML reader reads it. */
function isReadAlike(text: string): boolean {
  const plainly = readPlainly(text);
  if (plainly === undefined) return false;
  const expected = read(text).map((one, index) =>
    plainly[index]?.places === undefined ? { object: one.object } : one,
  );
  expect(plainly.map(({ object, places }) => (places === undefined ? { object } : { object, places }))).toEqual(
    expected,
  );
  return true;
}

describe('what is plain is read as the YAML reader reads it', () => {
  test('the manifests of the examples, nearly all of which are plain, and of the tests, some in flow over many lines', () => {
    expect(corpus.filter(isReadAlike).length / corpus.length).toBeGreaterThan(0.5);
    expect(exampleManifests.filter(isReadAlike).length / exampleManifests.length).toBeGreaterThan(0.9);
  });

  test.each([
    [
      'scalars that look like something else',
      'a: [yes, 010, 0o17, 0x1F, 1_000, 1.10, 2020-01-01, 1:30, ~, .5, -0]\nb: no\n',
    ],
    ['quotes', `a: "x: #y" # z\nb: 'it''s'\nc: ["a\\n\\"b\\"", 'd, e']\nd: ""\n`],
    ['nothing behind a key or a dash', 'a:\nb: # nothing\n  # nor here\nc:\n  -\n  - # nothing\n  - d\n'],
    ["lists in their key's column, and lists in lists", 'a:\n- b: 1\n  c:\n  - - 1\n    - 2\n  -   - 3\nd: 4\n'],
    ['colons and hashes within', 'a: b:c#d\nimage: r/x:1.2@sha256:0a\nargs: [--listen=:80, -v, a b]\n'],
    ['texts behind a bar', 'a: |\n  x: 1\n\n    # y\n\nb:\n  - |-\n    z\n    ---\n\n# w\nc: 1\n'],
    ['many documents, also empty ones', '# a\n---\n---  # b\nc: 1\n--- \n\n---\n- d\n---'],
    [
      'comments and empty lines behind a block',
      'a:\n  b: 1\n   # c\n\nd:\n  - e\n    # f\n\n  - g:\n      - h\n  #i\n',
    ],
    ['a last value of nothing', 'a:\n  b:\n    c:\nd:\n  -\n  - - e\n    -\n'],
    ['a comment at the end of a document', 'a: # b\n# c\n---\nd:\n# e\n'],
    ['deep flow', 'a: {b: [{c: {}}, [], [[d]]], e: "f"}  \n'],
  ])('%s', (_, text) => {
    expect(isReadAlike(text)).toBe(true);
  });

  test.each([
    ['a key that appears twice', 'a: 1\na: 2\n'],
    ['one in braces', 'a: {b: 1, b: 2}\n'],
    ['keys that are called otherwise', 'y: 1\n'],
    ['merge keys and anchors', 'a: &x {b: 1}\nc:\n  <<: *x\n'],
    ['a scalar of two lines', 'a: b\n  c\n'],
    ['a flow of two lines', 'a: [b,\n  c]\n'],
    ['a mapping within a line', 'a: b: c\n'],
    ['columns that do not fit', 'a:\n    b: 1\n  c: 2\n'],
    ['a tab', 'a:\tb\n'],
    ['tags', 'a: !!str 1\n'],
    ['templates', 'a: {{ .Values.b }}\n'],
    ['what follows a quote', 'a: "b" c\n'],
    ['blanks beyond the column of a text', 'a: |\n  b\n     \n'],
    ['directives', '%YAML 1.2\n---\na: 1\n'],
  ])('%s: left to the YAML reader', (_, text) => {
    expect(readPlainYaml(text)).toBeUndefined();
  });

  test('mutated manifests', () => {
    let plain = 0;
    for (let number = 0; number < cases(400); number += 1) {
      const text = mutated(seed, number).toString();
      try {
        if (isReadAlike(text)) plain += 1;
      } catch (error) {
        throw new Error(`case ${number} of seed ${seed}: ${JSON.stringify(text)}`, { cause: error });
      }
    }
    // Otherwise nothing was shown.
    expect(plain).toBeGreaterThan(cases(400) / 20);
  }, 120_000);
});
