import { rename, writeFile } from 'node:fs/promises';

/** Writes another file, then renames it: nobody reads an incomplete one. One write at a time for a path. */
export async function writeByRename(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
