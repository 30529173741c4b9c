import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { renamedDryRun } from '../../model/policy-mode.js';
import type { AnyPolicy } from '../../model/policy.js';
import { identityId, policySetId, type ContentId, type PodIdentity } from './content-id.js';
import {
  folderNames,
  isContentId,
  parseFileName,
  pathOf,
  type SnapshotFile,
  type SnapshotKind,
} from './snapshot-files.js';
import { readRemovals } from './snapshot-removals.js';

/** In bytes; no policy set is nearly as large, and a file that decompresses to more is no snapshot. */
const maxContentBytes = 512 << 20;

/** Reads what a {@link SnapshotStore} saved. Synchronous: whoever evaluates a record needs it at once. */
export class SnapshotReader {
  readonly #directories: readonly string[];
  /** The files of each folder, as they were when the first was asked for. */
  readonly #files = new Map<string, ReadonlyMap<ContentId, SnapshotFile>>();
  readonly #policies = new LRUCache<ContentId, { readonly found: readonly AnyPolicy[] | undefined }>({ max: 4 });
  readonly #identities = new LRUCache<ContentId, { readonly found: PodIdentity | undefined }>({ max: 20_000 });

  /** @param directories of the logs that are read */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** Undefined when the file is gone, or does not contain what its name says. */
  policies(id: ContentId): readonly AnyPolicy[] | undefined {
    const known = this.#policies.get(id) ?? {
      found: this.#read(id, 'policies', asPolicies, policySetId)?.map(withModeOfToday),
    };
    this.#policies.set(id, known);
    return known.found;
  }

  /** As {@link policies}. */
  identity(id: ContentId): PodIdentity | undefined {
    const known = this.#identities.get(id) ?? { found: this.#read(id, 'identity', asIdentity, identityId) };
    this.#identities.set(id, known);
    return known.found;
  }

  /** Of these namespaces, those of whose snapshots some were removed because they were past their bound. */
  pastBound(namespaces: readonly string[]): readonly string[] {
    const kinds = Object.keys(folderNames) as SnapshotKind[];
    const all = this.#directories.flatMap((directory) => kinds.map((kind) => readRemovals(directory, kind)));
    return namespaces.filter((namespace) => all.some((removals) => Object.hasOwn(removals, namespace)));
  }

  #filesIn(directory: string, kind: SnapshotKind): ReadonlyMap<ContentId, SnapshotFile> {
    const folder = join(directory, folderNames[kind]);
    const known = this.#files.get(folder);
    if (known !== undefined) return known;
    const files = new Map(
      namesIn(folder)
        .flatMap((name) => parseFileName(name) ?? [])
        .map((file) => [file.id, file] as const),
    );
    this.#files.set(folder, files);
    return files;
  }

  #read<T>(
    id: ContentId,
    kind: SnapshotKind,
    parse: (content: unknown) => T,
    idOfContent: (value: T) => ContentId,
  ): T | undefined {
    if (!isContentId(id)) return undefined;
    for (const directory of this.#directories) {
      const file = this.#filesIn(directory, kind).get(id);
      const content = file === undefined ? undefined : contentOf(pathOf(directory, kind, file));
      const value = content === undefined ? undefined : parse(content);
      if (value !== undefined && idOfContent(value) === id) return value;
    }
    return undefined;
  }
}

const asPolicies = (value: unknown): readonly AnyPolicy[] => (value as { policies: readonly AnyPolicy[] }).policies;
/** Snapshots beside records of schema version 1 call a dry run `audit`. */
const withModeOfToday = (policy: AnyPolicy): AnyPolicy =>
  (policy.mode as string | undefined) === renamedDryRun ? { ...policy, mode: 'dry-run' } : policy;
const asIdentity = (value: unknown): PodIdentity => value as PodIdentity;

/** None where there is no such folder. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return [];
  }
}

/** Undefined for a file that does not exist or is damaged. */
function contentOf(path: string): unknown {
  try {
    return JSON.parse(gunzipSync(readFileSync(path), { maxOutputLength: maxContentBytes }).toString('utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
