import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const unfinished = (path: string): string => `${path}.new`;

/**
 * Writes another file, then renames it: nobody reads an incomplete one. One write at a time for a path. A folder that is
 * missing is made: somebody may have deleted it.
 */
export async function writeByRename(path: string, text: string): Promise<void> {
  try {
    await writeFile(unfinished(path), text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(unfinished(path), text);
  }
  await rename(unfinished(path), path);
}

/** With what a write has left that was interrupted. */
export async function removeWritten(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(unfinished(path), { force: true });
}
