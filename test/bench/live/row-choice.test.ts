import { expect, test } from '@jest/globals';
import { chosenByName } from './row-choice.js';

const names = ['ports-10', 'ports-1000', 'blocks-5'];

test.each([
  [undefined, names],
  ['ports', ['ports-10', 'ports-1000']],
  ['blocks, ports-1000', ['ports-1000', 'blocks-5']],
  ['ports-10,', ['ports-10', 'ports-1000']],
  ['nothing', []],
])('--rows %s', (rows, expected) => {
  expect(chosenByName(names, rows)).toEqual(expected);
});
