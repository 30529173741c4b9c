import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { defaultTests, mutants } from './mutants.js';

const root = resolve(import.meta.dirname, '../..');

test.each(mutants.map((mutant) => [mutant.title, mutant] as const))(
  'planted fault: %s: its place is there, once, and so are its tests',
  async (_title, { file, find, replace, tests = defaultTests }) => {
    expect((await readFile(join(root, file), 'utf8')).split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
    for (const path of tests) expect(existsSync(join(root, path))).toBe(true);
  },
);
