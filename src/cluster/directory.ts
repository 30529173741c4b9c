import type { ClusterSnapshot } from '../model/cluster.js';
import { DirectoryCluster, type DirectoryOptions } from './directory-cluster.js';
import { readManifestFile, type FileContent } from './manifest-file.js';
import { refuseKustomizations, wholeOrError } from './manifest-problems.js';
import { manifestsAt, reasonOf } from './manifest-tree.js';
import { InputError } from '../generic/input-error.js';
import type { ClusterSource, SourceProblem, SyncedCluster } from './types.js';

/** A directory of manifests as a cluster: read completely, then followed. */
export class DirectorySource implements ClusterSource {
  readonly #options: DirectoryOptions;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  async sync(signal?: AbortSignal): Promise<SyncedCluster> {
    signal?.throwIfAborted();
    const cluster = new DirectoryCluster(this.#options);
    await cluster.readFirst();
    return cluster;
  }
}

/** Files and directories read once. @throws InputError with every error found */
export async function readManifests(
  paths: readonly string[],
): Promise<{ snapshot: ClusterSnapshot; problems: readonly SourceProblem[] }> {
  const contents = new Map<string, FileContent>();
  for (const path of paths) {
    const files = await manifestsAt(path).catch((error: unknown) => {
      throw new InputError(`${path}: ${reasonOf(error)}`);
    });
    refuseKustomizations(path, files);
    for (const file of files) contents.set(file, await readManifestFile(file));
  }
  const set = wholeOrError(contents);
  return { snapshot: set.snapshot(), problems: set.problems() };
}
