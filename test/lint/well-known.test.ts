/** Policies as they are found everywhere: a linter that complains about them is turned off. */
import { expect, test } from '@jest/globals';
import { join, resolve } from 'node:path';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { lint } from '../../src/lint/engine.js';

const root = resolve(import.meta.dirname, '../..');
const loud = async (path: string, closedWorld: boolean): Promise<string[]> => {
  const { input, unparsed } = await readLintInputs({ file: [path], closedWorld });
  expect(unparsed).toEqual([]);
  return lint(input)
    .filter(({ severity }) => severity !== 'info')
    .map(({ rule, object }) => `${rule} ${object.name}`);
};

test('none is worth more than a remark', async () => {
  expect(await loud(join(import.meta.dirname, 'well-known.yaml'), false)).toEqual([]);
});

test('of our own examples only those that open to the world are warned of', async () => {
  expect(await loud(join(root, 'policies-examples'), false)).toEqual([
    'NP305 allow-everyone-both-families',
    'NP305 allow-everyone-both-families',
    'NP305 allow-everyone-one-family',
    'NP306 allow-everyone-one-family',
  ]);
});
