/** `npm run mutants` takes long: that its faults can still be planted is told at once. */
import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { mutants } from './mutants.js';

const root = resolve(import.meta.dirname, '../..');

test.each(mutants)('$title: the line stands in $file exactly once', async ({ file, find, replace }) => {
  const source = await readFile(join(root, file), 'utf8');
  expect([source.split(find).length - 1, replace === find]).toEqual([1, false]);
});
