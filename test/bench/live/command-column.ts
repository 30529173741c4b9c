/** How rows were measured. */
import { execa } from 'execa';
import type { Figure } from '../figures.js';

/** @param rows what `--rows` chooses them by */
export async function withCommand(figures: readonly Figure[], item: string, rows: string): Promise<readonly Figure[]> {
  const { stdout } = await execa('nft', ['--version']);
  const version = /v[\d.]+/.exec(stdout)?.[0] ?? stdout;
  return figures.map((figure) => ({
    ...figure,
    how: `nft ${version}: npm run bench -- --only ${item} --rows ${rows}`,
  }));
}
