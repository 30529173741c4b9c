import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScratchFile } from '../../src/kernel/nft/scratch-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-scratch-'));
});
afterEach(() => rm(folder, { recursive: true }));

const pathOf = ({ descriptor }: ScratchFile): string => `/proc/self/fd/${descriptor}`;

test('it is in the first folder that there is, and has no name there', async () => {
  const file = ScratchFile.open([join(folder, 'missing'), folder, tmpdir()]);
  expect(readlinkSync(pathOf(file))).toMatch(new RegExp(`^${folder}/.* \\(deleted\\)$`));
  expect(await readdir(folder)).toEqual([]);
  file.close();
  expect(() => ScratchFile.open([join(folder, 'missing')])).toThrow('ENOENT');
});

test('it holds what was written last, also after something longer', () => {
  const file = ScratchFile.open([folder]);
  for (const content of ['a longer text', 'short', '']) {
    expect(file.write(Buffer.from(content))).toBe(true);
    expect(readFileSync(pathOf(file), 'utf8')).toBe(content);
  }
  file.close();
});

test('what cannot be written is said to be so', () => {
  const file = ScratchFile.open([folder]);
  file.close();
  expect(file.write(Buffer.from('text'))).toBe(false);
});
