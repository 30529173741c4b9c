import { lstat, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isKustomization } from './kustomizations.js';
import { isManifest, signatureOf } from './manifest-tree.js';

/** More than these are looked at by a scan of the whole tree. */
const mostTouched = 500;

/**
 * Paths that events have named since the last scan. Where an event says no more than that something changed, or a folder
 * or a link may have, the whole tree is scanned.
 */
export class TouchedFiles {
  #paths = new Set<string>();
  #isWhole = true;

  /** @param path undefined when it is not known which */
  add(path: string | undefined): void {
    if (path === undefined || this.#paths.size >= mostTouched) this.#isWhole = true;
    else this.#paths.add(path);
  }

  addAll(): void {
    this.#isWhole = true;
  }

  /** What was touched, once: undefined when that may be everything. */
  take(): ReadonlySet<string> | undefined {
    const [paths, isWhole] = [this.#paths, this.#isWhole];
    this.#paths = new Set();
    this.#isWhole = false;
    return isWhole ? undefined : paths;
  }
}

/** Manifests of a tree by what has become of them. */
export interface TouchedManifests {
  /** New, or other ones than were read, with their signatures. */
  readonly present: ReadonlyMap<string, string>;
  readonly gone: readonly string[];
}

/**
 * What an event for each of `paths` means for the manifests with these signatures.
 * @returns undefined when that cannot be known without a scan of the whole tree
 */
export async function manifestsTouched(
  known: ReadonlyMap<string, string>,
  paths: ReadonlySet<string>,
): Promise<TouchedManifests | undefined> {
  const present = new Map<string, string>();
  const gone: string[] = [];
  for (const path of paths) {
    const found = await lookAt(path);
    if (found === 'unknown') return undefined;
    if (found === 'gone') {
      if (known.has(path)) gone.push(path);
      // A folder takes its files along.
      else if ([...known.keys()].some((file) => file.startsWith(`${path}/`))) return undefined;
    } else if (found !== 'ignored' && known.get(path) !== found.signature) present.set(path, found.signature);
  }
  return { present, gone };
}

type Found = { readonly signature: string } | 'gone' | 'ignored' | 'unknown';

async function lookAt(path: string): Promise<Found> {
  const name = basename(path);
  // An event about a folder itself bears its name.
  if (name === basename(dirname(path))) return 'unknown';
  // It says something of the files around it.
  if (isKustomization(name)) return 'unknown';
  try {
    // A link or folder that no scan lists may still be the target of others: a ConfigMap mount's `..data`.
    if (name.startsWith('.')) return isPlain(await lstat(path)) ? 'ignored' : 'unknown';
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) return 'unknown';
    return isManifest(name) ? { signature: signatureOf(found) } : 'ignored';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return 'unknown';
    return name.startsWith('..') ? 'unknown' : 'gone';
  }
}

const isPlain = (found: { isFile(): boolean }): boolean => found.isFile();
