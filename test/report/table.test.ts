import { expect, test } from '@jest/globals';
import { formatTable } from '../../src/report/table.js';

test('columns are as wide as their widest cell, and lines carry no trailing space', () => {
  expect(
    formatTable([
      ['POD', 'NODE'],
      ['shop/api-0', 'n1'],
    ]),
  ).toBe('POD         NODE\nshop/api-0  n1');
});
