import { expect, test } from '@jest/globals';
import { hasColours } from '../../src/cli/common/colours.js';

const terminal = { isTTY: true, hasColors: () => true };
const pipe = {};

test.each([
  ['a terminal', terminal, {}, true],
  ['a pipe', pipe, {}, false],
  ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ['a terminal without colours', { isTTY: true, hasColors: () => false }, {}, false],
  ['NO_COLOR', terminal, { NO_COLOR: '1' }, false],
  ['NO_COLOR that is empty', terminal, { NO_COLOR: '' }, true],
  ['NO_COLOR above FORCE_COLOR', terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ['FORCE_COLOR of a pipe', pipe, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, false],
  ['CLICOLOR_FORCE of a pipe', pipe, { CLICOLOR_FORCE: '1' }, true],
  ['CLICOLOR_FORCE=0', pipe, { CLICOLOR_FORCE: '0' }, false],
  ['CLICOLOR=0', terminal, { CLICOLOR: '0' }, false],
])('%s', (_, screen, environment, expected) => {
  expect(hasColours(screen, environment)).toBe(expected);
});
