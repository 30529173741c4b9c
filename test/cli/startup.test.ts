import { expect, test } from '@jest/globals';
import { execa } from 'execa';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle, productFolder } from '../support/product.js';

/** What node loads before the first line of a module runs: the module, and what it imports, and so on. */
async function loadedWith(name: string, known = new Map<string, number>()): Promise<ReadonlyMap<string, number>> {
  if (known.has(name)) return known;
  const text = await readFile(join(productFolder, name), 'utf8');
  known.set(name, text.length);
  // An import on demand has a parenthesis.
  for (const [, imported = ''] of text.matchAll(/^(?:import|export|\}) ?(?:.* ?from )?"\.\/(.+\.js)";$/gm))
    await loadedWith(imported, known);
  return known;
}

const sizeOf = (loaded: ReadonlyMap<string, number>): number => [...loaded.values()].reduce((sum, size) => sum + size);

test('podwall itself loads no command: those are most of its size, and of the time that a start takes', async () => {
  const names = await readdir(productFolder);
  const own = await loadedWith('podwall.js');
  const lint = await loadedWith(names.find((name) => /^lint-.*\.js$/.test(name)) ?? '');
  expect(sizeOf(own)).toBeLessThan(200_000);
  expect(sizeOf(lint)).toBeGreaterThan(2 * sizeOf(own));
});

test.each(['can', 'explain', 'lint', 'reach'])(
  '%s loads nothing of the agent or of an API server’s client',
  async (name) => {
    const { stdout } = await execa(process.execPath, [bundle, name, '--help']);
    expect(stdout).toContain(`Usage: podwall ${name}`);
    const file = (await readdir(productFolder)).find((one) => one.startsWith(`${name}-`)) ?? '';
    const loaded = [...(await loadedWith(file)).keys()];
    expect(loaded.filter((one) => /^(agent|kube-config|metrics)-/.test(one))).toEqual([]);
  },
);

test('a word that is no command is answered with the commands that there are', async () => {
  const { stderr, exitCode } = await execa(process.execPath, [bundle, 'lin'], { reject: false });
  expect(stderr).toContain('Did you mean lint?');
  expect(exitCode).toBe(2);
});
