import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../generic/message-of.js';

/** Every manifest below a directory, with a signature that changes when its content may have. */
interface ManifestTree {
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlySet<string>;
}

export const isManifest = (name: string): boolean => /\.(ya?ml|json)$|^Kustomization$/.test(name);

/** Changes whenever the file's content may have. */
export const signatureOf = ({ ino, size, mtimeNs }: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs'>): string =>
  `${ino}:${size}:${mtimeNs}`;

/** Called for a file or folder that cannot be read, with the file system's error; an exception ends the scan. */
type OnUnreadable = (path: string, error: unknown) => void;

const refuse: OnUnreadable = (_, error) => {
  throw error;
};

/**
 * Scans recursively; names that start with a dot are skipped (so a ConfigMap mount's `..data` is met once, through its
 * links). Links are followed; a link into a folder that is being scanned already is not. `between` is awaited before each
 * entry, so that something else may be done meanwhile.
 */
export async function scanTree(
  directory: string,
  onUnreadable: OnUnreadable = refuse,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<ManifestTree> {
  const files = new Map<string, string>();
  const folders = new Set<string>();
  const scan = async (folder: string, ancestors: readonly string[]): Promise<void> => {
    const { ino, dev } = await stat(folder, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (ancestors.includes(identity)) return;
    folders.add(folder);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      await between();
      await visit(entry, path, [...ancestors, identity]).catch((error: unknown) => {
        // It may vanish after it was listed, and then it does not exist.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onUnreadable(path, error);
      });
    }
  };
  const visit = async (entry: Dirent, path: string, ancestors: readonly string[]): Promise<void> => {
    const found = await stat(path, { bigint: true });
    if (found.isDirectory()) await scan(path, ancestors);
    else if (found.isFile() && isManifest(entry.name)) files.set(path, signatureOf(found));
  };
  await scan(directory, []);
  return { files, folders };
}

/** The manifests that a path means: a directory's, sorted, or the file itself. Rejects with the file system's errors. */
export async function manifestsAt(path: string, onUnreadable?: OnUnreadable): Promise<readonly string[]> {
  return (await stat(path)).isDirectory() ? [...(await scanTree(path, onUnreadable)).files.keys()].sort() : [path];
}

/** Whether something in a directory begins with a dot. */
export const hiddenIn = async (directory: string): Promise<boolean> =>
  (await readdir(directory)).some((name) => name.startsWith('.'));

/** The file system's error in a few words. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return reasons[code] ?? messageOf(error);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOTDIR: 'not a directory',
  ELOOP: 'a symbolic link that leads to itself',
};
