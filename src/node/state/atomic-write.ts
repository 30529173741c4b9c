import { rename, writeFile } from 'node:fs/promises';

/** Beside it, then in its place: nobody reads half a file. One at a time for a path. */
export async function writeByRename(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
