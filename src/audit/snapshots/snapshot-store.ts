/**
 * Saves what records refer to, beside the log, so that a verdict can be explained and evaluated again later: policy sets,
 * and what policies saw of a pod. The number of files is bounded; where one is gone, the answer is `unknown`.
 */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AnyPolicy } from '../../model/policy.js';
import type { ContentId, PodIdentity } from './content-id.js';
import { folderNames, idOfFile, pathOf, type SnapshotKind } from './snapshot-files.js';

interface SnapshotLimits {
  /** Files of each kind that are kept; the least recently used are removed first. */
  readonly policySets: number;
  readonly identities: number;
}

const defaultSnapshotLimits: SnapshotLimits = { policySets: 500, identities: 20_000 };

export class SnapshotStore {
  readonly #policies: SnapshotFolder;
  readonly #identities: SnapshotFolder;

  private constructor(policies: SnapshotFolder, identities: SnapshotFolder) {
    this.#policies = policies;
    this.#identities = identities;
  }

  /** @param directory the log's own */
  static async open(directory: string, limits: SnapshotLimits = defaultSnapshotLimits): Promise<SnapshotStore> {
    return new SnapshotStore(
      await SnapshotFolder.open(directory, 'policies', limits.policySets),
      await SnapshotFolder.open(directory, 'identity', limits.identities),
    );
  }

  /** @throws Error of the file system; the id stays valid, and the set may be saved later */
  async savePolicies(id: ContentId, policies: readonly AnyPolicy[]): Promise<void> {
    await this.#policies.save(id, () => ({ policies }));
  }

  /** @throws as {@link savePolicies} */
  async saveIdentity(id: ContentId, identity: PodIdentity): Promise<void> {
    await this.#identities.save(id, () => identity);
  }
}

const compress = promisify(gzip);

class SnapshotFolder {
  readonly #logDirectory: string;
  readonly #kind: SnapshotKind;
  readonly #maxFiles: number;
  /** The least recently used first. */
  readonly #saved: Set<ContentId>;
  readonly #writing = new Map<ContentId, Promise<void>>();

  private constructor(logDirectory: string, kind: SnapshotKind, maxFiles: number, saved: readonly ContentId[]) {
    this.#logDirectory = logDirectory;
    this.#kind = kind;
    this.#maxFiles = maxFiles;
    this.#saved = new Set(saved);
  }

  static async open(logDirectory: string, kind: SnapshotKind, maxFiles: number): Promise<SnapshotFolder> {
    const folder = join(logDirectory, folderNames[kind]);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found: { id: ContentId; time: number }[] = [];
    for (const name of await readdir(folder)) {
      const id = idOfFile(name);
      // A run that was killed left an incomplete file.
      if (id === undefined) await rm(join(folder, name), { force: true });
      else found.push({ id, time: (await stat(join(folder, name))).mtimeMs });
    }
    const byTime = found.sort((a, b) => a.time - b.time).map(({ id }) => id);
    return new SnapshotFolder(logDirectory, kind, maxFiles, byTime);
  }

  async save(id: ContentId, content: () => unknown): Promise<void> {
    if (this.#saved.delete(id)) {
      this.#saved.add(id);
      return;
    }
    const writing = this.#writing.get(id) ?? this.#write(id, content());
    this.#writing.set(id, writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(id);
    }
  }

  /** Writes another file and renames it: nobody reads an incomplete one. */
  async #write(id: ContentId, content: unknown): Promise<void> {
    const path = pathOf(this.#logDirectory, this.#kind, id);
    await writeFile(`${path}.new`, await compress(JSON.stringify(content)), { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#saved.add(id);
    for (const oldest of this.#saved) {
      if (this.#saved.size <= this.#maxFiles) return;
      this.#saved.delete(oldest);
      await rm(pathOf(this.#logDirectory, this.#kind, oldest), { force: true });
    }
  }
}
