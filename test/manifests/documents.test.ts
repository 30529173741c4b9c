import { describe, expect, test } from '@jest/globals';
import { readDocuments } from '../../src/manifests/documents.js';
import { readByKubectl, refused } from './kubectl-yaml.js';

const objectOf = (text: string): unknown => readDocuments(text, 'f.yaml').documents[0]?.object;

describe('scalars, as kubectl reads them', () => {
  test.each([
    ['n', false],
    ['on', true],
    ['yes', true],
    ['"yes"', 'yes'],
    ['010', 8],
    ['0o10', 8],
    ['0x1F', 31],
    ['1_000', 1000],
    ['1.10', 1.1],
    ['"80"', '80'],
    ['~', null],
    ['2020-01-01', '2020-01-01'],
    ['1:30', '1:30'],
  ])('%s', (text, value) => {
    expect(objectOf(`a: ${text}\n`)).toEqual({ a: value });
  });

  test.each(readByKubectl)('%j is read as there', (yaml, value) => {
    const { documents, errors } = readDocuments(yaml, 'f.yaml', { duplicateKeys: 'tolerated' });
    const read = errors.every(({ isDuplicateKey }) => isDuplicateKey) ? documents[0]?.object : refused;
    // What nobody writes may be refused: it makes the answer partial, and nothing is guessed.
    const isRare = /!!(?:binary|set|omap|merge)|^\.inf:/.test(yaml);
    expect(read).toEqual(isRare ? refused : value);
  });

  test('keys are strings, whatever they look like', () => {
    expect(objectOf('y: 1\n80: 2\n')).toEqual({ true: 1, '80': 2 });
  });

  test('anchors and merge keys', () => {
    expect(objectOf('a: &x { b: 1 }\nc:\n  <<: *x\n  d: 2\n')).toEqual({ a: { b: 1 }, c: { b: 1, d: 2 } });
  });

  test('lists of mappings and of their aliases may be merged, and a quoted << is a key', () => {
    expect(objectOf('a: &x { b: 1 }\nc: { <<: [*x, { d: 2 }] }\n')).toEqual({ a: { b: 1 }, c: { b: 1, d: 2 } });
    expect(objectOf('"<<": 1\n')).toEqual({ '<<': 1 });
  });
});

describe('documents', () => {
  test('many in one file; empty ones are none', () => {
    expect(readDocuments('---\na: 1\n---\n# nothing\n---\nb: 2\n', 'f').documents.map(({ object }) => object)).toEqual([
      { a: 1 },
      { b: 2 },
    ]);
  });

  test('a byte order mark at the beginning of a document is none of its characters, and moves no place', () => {
    const text = '\uFEFFa: 1\n---\n\uFEFFb: 2\n--- # two\r\n\uFEFFc: 3\r\n';
    const { documents } = readDocuments(text, 'f.yaml');
    expect(documents.map(({ object }) => object)).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
    const { line, column, start, end } = documents[1]?.range(['b'], 'value') ?? {};
    expect([line, column, text.slice(start, end)]).toEqual([3, 4, '2']);
  });

  test('JSON objects one after another, each with its places', () => {
    const list = JSON.stringify({ kind: 'List', items: [{ kind: 'A', name: 'x' }, { kind: 'B' }] }, undefined, 1);
    const text = `${list}\n{"kind": "C"}{"kind": "D", "kind": "D"}\n{"kind": "E"}\n`;
    const { documents, errors } = readDocuments(text, 'f.json');
    expect(documents.map(({ object }) => (object as { kind: string }).kind)).toEqual(['A', 'B', 'C', 'E']);
    const lineOf = (part: string): number => text.slice(0, text.indexOf(part)).split('\n').length;
    expect(documents.map((one) => one.position(['kind']).line)).toEqual(
      ['"A"', '"B"', '"C"', '"E"'].map((part) => lineOf(part)),
    );
    expect(documents[0]?.position(['name']).line).toBe(lineOf('"x"'));
    expect(errors).toEqual([expect.objectContaining({ line: lineOf('"D"'), isDuplicateKey: true })]);
  });

  test('a bracket too much is one error', () => {
    expect(readDocuments('{"a": [1]]}\n', 'f.json').errors).toHaveLength(1);
    expect(readDocuments('a: {b: [c]]}\nd: e\nf: g\n', 'f.yaml').errors).toHaveLength(1);
  });

  test('Lists are unfolded, also Lists of Lists and typed Lists', () => {
    const inner = { kind: 'NetworkPolicyList', items: [{ kind: 'NetworkPolicy' }] };
    const text = JSON.stringify({ kind: 'List', items: [{ kind: 'Pod' }, inner] });
    expect(readDocuments(text, 'f.json').documents.map(({ object }) => object)).toEqual([
      { kind: 'Pod' },
      { kind: 'NetworkPolicy' },
    ]);
  });

  test('items of a typed list have its kind and apiVersion, where they have none of their own', () => {
    const inner = {
      kind: 'PodList',
      apiVersion: 'v1',
      items: [{ metadata: { name: 'a' } }, { kind: 'Other' }, 'text'],
    };
    const text = JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [inner, { metadata: {} }] }, undefined, 1);
    const { documents } = readDocuments(text, 'f.json');
    expect(documents.map(({ object }) => object)).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Other' },
      'text',
      { metadata: {} },
    ]);
    expect(documents[0]?.position(['metadata', 'name']).line).toBe(text.split('"a"')[0]?.split('\n').length);
  });
});

describe('positions', () => {
  const text =
    'kind: NetworkPolicy\nspec:\n  ingress:\n    - form: [{ podSelector: {} }]\n    - ports:\n        - port: 0\n';
  const [document] = readDocuments(text, 'f.yaml').documents;

  test.each([
    [['spec', 'ingress', 0, 'form'], { line: 4, column: 7 }],
    [['spec', 'ingress', 0, 'form', 0, 'podSelector'], { line: 4, column: 16 }],
    [['spec', 'ingress', 1, 'ports', 0, 'port'], { line: 6, column: 11 }],
    [['spec', 'egress'], { line: 2, column: 1 }],
    [[], { line: 1, column: 1 }],
  ])('%j', (path, position) => {
    expect(document?.position(path)).toEqual(position);
  });

  test('in the items of a List, also in JSON', () => {
    const list = '{"kind": "List", "items": [\n  {"kind": "Pod",\n   "spec": 1}]}';
    expect(readDocuments(list, 'f.json').documents[0]?.position(['spec'])).toEqual({ line: 3, column: 4 });
  });
});

describe('what cannot be read', () => {
  test.each([
    ['a duplicate key', 'a: 1\nb: 2\na: 3\n', 3],
    ['a broken flow', 'a: [1, 2\nb: 3\n', 2],
    ['a tab for indentation', 'a:\n\tb: 1\n', 2],
    ['broken JSON', '{"a": 1,\n "b": }}\n', 2],
    ['a merge of a scalar', 'a:\n  <<: b\n', 2],
    ['a merge of nothing', 'a:\n  <<:\n', 2],
    ['a merge of a list of scalars', 'a:\n  <<: [b]\n', 2],
    ['a merge of an alias of a scalar', 'a: &x b\nc:\n  <<: *x\n', 3],
    ['a merge of an alias of a list of scalars', 'a: &x [b]\nc:\n  <<: *x\n', 3],
    ['a merge of a list with one alias of a list', 'a: &x [{ b: 1 }]\nc:\n  <<: [*x]\n', 3],
    ['a merge of an alias of what is not there', '<<: *x\n', 1],
  ])('%s is an error with its line', (_, text, line) => {
    const { documents, errors } = readDocuments(text, 'f.yaml');
    expect(documents).toEqual([]);
    expect(errors[0]).toMatchObject({ file: 'f.yaml', line });
    expect(errors[0]?.message).not.toBe('');
  });
});
