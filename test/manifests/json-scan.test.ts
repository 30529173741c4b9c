import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readDocuments } from '../../src/manifests/documents.js';
import { scanJson } from '../../src/manifests/json-scan.js';
import '../support/seed.js';

describe('scanJson', () => {
  test('finds where each item begins, whatever is in it', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.array(value), value, fc.constantFrom(undefined, 2, '\t'), (items, other, indent) => {
        const text = JSON.stringify({ first: other, items, 'it"ems': [1], last: { items: [1, 2] } }, null, indent);
        const offsets = scanJson(text).items;
        expect(offsets).toHaveLength(items.length);
        offsets.forEach((offset, index) => {
          const item = JSON.stringify(items[index]);
          expect(
            text
              .slice(offset)
              .replace(/[\n\t ]/g, '')
              .startsWith(item.replace(/[\n\t ]/g, '')),
          ).toBe(true);
        });
      }),
    );
  });

  test('gives the line and column of a List in JSON', () => {
    const items = ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2);
    const { documents } = readDocuments(text, 'list.json');
    expect(documents.map((one) => one.position([]))).toEqual([
      { line: 5, column: 5 },
      { line: 12, column: 5 },
    ]);
    expect(documents[1]?.position(['metadata', 'name'])).toEqual({ line: 16, column: 9 });
  });
});
