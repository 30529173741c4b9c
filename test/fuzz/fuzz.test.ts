/** A short run of `npm run fuzz`. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases, seed } from '../support/seed.js';
import { mutated } from './mutations.js';
import { readEverywhere } from './readers.js';

let path: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-fuzz-'));
  path = join(folder, 'case.yaml');
});
afterAll(() => rm(folder, { recursive: true }));

test('mutated manifests: no crash, no complaint without a place, no case over 5 s', async () => {
  for (let number = 0; number < cases(100); number += 1) {
    await writeFile(path, mutated(seed, number));
    const before = process.cpuUsage();
    const outcome = await readEverywhere(path).then(
      () => 'read',
      (error: unknown) => error,
    );
    const { user, system } = process.cpuUsage(before);
    expect([number, outcome, user + system < 5_000_000]).toEqual([number, 'read', true]);
  }
}, 120_000);

test('the same seed makes the same case, and cases differ', () => {
  expect(mutated(seed, 7)).toEqual(mutated(seed, 7));
  expect(new Set(Array.from({ length: 20 }, (_, number) => mutated(seed, number).toString())).size).toBeGreaterThan(15);
});
