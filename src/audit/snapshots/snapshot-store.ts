/**
 * Saves what records refer to, beside the log, so that a verdict can be explained and evaluated again later: policy sets,
 * and what policies saw of a pod. Nothing is removed but by a bound in bytes, and then what the namespace has caused whose
 * snapshots are past it: nobody's edits remove what the records of others rest on.
 */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AnyPolicy } from '../../model/policy.js';
import type { ContentId, PodIdentity } from './content-id.js';
import { OwnedFiles, type FileLimits } from './owned-files.js';
import { folderNames, parseFileName, pathOf, type SnapshotKind } from './snapshot-files.js';
import { readRemovals, removalsPath } from './snapshot-removals.js';

interface SnapshotLimits {
  readonly policySets: FileLimits;
  readonly identities: FileLimits;
}

const mebibyte = 1 << 20;
const defaultSnapshotLimits: SnapshotLimits = {
  policySets: { ofNamespace: 16 * mebibyte, ofAll: 256 * mebibyte },
  identities: { ofNamespace: 80 * mebibyte, ofAll: 256 * mebibyte },
};

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

  /**
   * @param cause the namespace whose change made this set a new one
   * @throws Error of the file system; the id stays valid, and the set may be saved later
   */
  async savePolicies(id: ContentId, policies: readonly AnyPolicy[], cause: string): Promise<void> {
    await this.#policies.save(id, cause, () => ({ policies }));
  }

  /** @throws as {@link savePolicies} */
  async saveIdentity(id: ContentId, identity: PodIdentity): Promise<void> {
    await this.#identities.save(id, identity.namespace, () => identity);
  }
}

const compress = promisify(gzip);

class SnapshotFolder {
  readonly #logDirectory: string;
  readonly #kind: SnapshotKind;
  readonly #files: OwnedFiles;
  readonly #writing = new Map<ContentId, Promise<void>>();
  readonly #removals: Record<string, number>;

  private constructor(logDirectory: string, kind: SnapshotKind, files: OwnedFiles) {
    this.#logDirectory = logDirectory;
    this.#kind = kind;
    this.#files = files;
    this.#removals = { ...readRemovals(logDirectory, kind) };
  }

  static async open(logDirectory: string, kind: SnapshotKind, limits: FileLimits): Promise<SnapshotFolder> {
    const folder = join(logDirectory, folderNames[kind]);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found: { name: string; id: ContentId; owner: string; bytes: number; time: number }[] = [];
    for (const name of await readdir(folder)) {
      const file = parseFileName(name);
      if (file === undefined) {
        // A run that was killed left an incomplete file.
        if (name.endsWith('.new')) await rm(join(folder, name), { force: true });
        continue;
      }
      const { size, mtimeMs } = await stat(join(folder, name));
      found.push({ name, ...file, bytes: size, time: mtimeMs });
    }
    const files = new OwnedFiles(limits);
    for (const { id, owner, bytes } of found.sort((a, b) => a.time - b.time)) files.add(id, owner, bytes);
    const opened = new SnapshotFolder(logDirectory, kind, files);
    await opened.#removeExcess();
    return opened;
  }

  async save(id: ContentId, owner: string, content: () => unknown): Promise<void> {
    if (this.#files.use(id)) return;
    const writing = this.#writing.get(id) ?? this.#write(id, owner, content());
    this.#writing.set(id, writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(id);
    }
  }

  /** Writes another file and renames it: nobody reads an incomplete one. */
  async #write(id: ContentId, owner: string, content: unknown): Promise<void> {
    const path = pathOf(this.#logDirectory, this.#kind, { id, owner });
    const bytes = await compress(JSON.stringify(content));
    await writeFile(`${path}.new`, bytes, { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#files.add(id, owner, bytes.length);
    await this.#removeExcess();
  }

  async #removeExcess(): Promise<void> {
    const excess = this.#files.takeExcess();
    for (const { id, owner } of excess) {
      await rm(pathOf(this.#logDirectory, this.#kind, { id, owner }), { force: true });
      this.#removals[owner] = (this.#removals[owner] ?? 0) + 1;
    }
    if (excess.length === 0) return;
    const path = removalsPath(this.#logDirectory, this.#kind);
    await writeFile(`${path}.new`, JSON.stringify(this.#removals), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}
