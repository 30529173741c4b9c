import type { Dirent, BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Every manifest below a directory, with a signature that changes when its content may have. */
export interface ManifestTree {
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlySet<string>;
}

const isManifest = (name: string): boolean => /\.(ya?ml|json)$/.test(name);

/**
 * Scans recursively; names that start with a dot are skipped (so a ConfigMap mount's `..data` is met once, through its
 * links). Links are followed; a link into a folder that is being scanned already is not.
 */
export async function scanTree(directory: string): Promise<ManifestTree> {
  const files = new Map<string, string>();
  const folders = new Set<string>();
  const scan = async (folder: string, ancestors: readonly string[]): Promise<void> => {
    const { ino, dev } = await stat(folder, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (ancestors.includes(identity)) return;
    folders.add(folder);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      await visit(entry, join(folder, entry.name), [...ancestors, identity]);
    }
  };
  const visit = async (entry: Dirent, path: string, ancestors: readonly string[]): Promise<void> => {
    const found = await statOrGone(path);
    if (found === undefined) return;
    if (found.isDirectory()) await scan(path, ancestors).catch(unlessGone);
    else if (found.isFile() && isManifest(entry.name)) files.set(path, `${found.ino}:${found.size}:${found.mtimeNs}`);
  };
  await scan(directory, []);
  return { files, folders };
}

/** The manifests that a path means: a directory's, sorted, or the file itself. Rejects with the file system's errors. */
export async function manifestsAt(path: string): Promise<readonly string[]> {
  return (await stat(path)).isDirectory() ? [...(await scanTree(path)).files.keys()].sort() : [path];
}

/** A file may vanish between being listed and being looked at; it is then simply not there. */
async function statOrGone(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    unlessGone(error);
    return undefined;
  }
}

function unlessGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
