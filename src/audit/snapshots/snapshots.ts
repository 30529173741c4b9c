/**
 * What the records of a log rest on, kept beside it so that a verdict can be explained and judged again later: policy
 * sets in `snapshots/`, and in `identities/` what policies saw of a pod. Files are named by what they hold, and bounded
 * in number; where one is gone, the answer is `unknown`.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Address } from '../../model/address.js';
import type { Labels } from '../../model/labels.js';
import { renamedDryRun } from '../../model/policy-mode.js';
import { policyKey, type AnyPolicy } from '../../model/policy.js';
import type { ContainerPort, Namespace, Pod } from '../../model/pod.js';

/** What policies see of a pod, and no more: pods that are alike in it are the same to every policy. */
export interface PodIdentity {
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
  readonly addresses: readonly Address[];
}

export const podIdentity = (pod: Pod, namespace: Namespace): PodIdentity => ({
  namespace: pod.ref.namespace,
  namespaceLabels: namespace.labels,
  labels: pod.labels,
  ports: pod.ports,
  addresses: pod.addresses,
});

/** `sha256:` and 64 hexadecimal digits. */
export type ContentId = string;

export const identityId = (identity: PodIdentity): ContentId => idOf(canonical(identity));

const policyDigests = new WeakMap<AnyPolicy, string>();

/** The same in whatever order the policies come. Policies that did not change since the last call cost next to nothing. */
export function policySetId(policies: readonly AnyPolicy[]): ContentId {
  const lines = policies.map((policy) => {
    const digest = policyDigests.get(policy) ?? idOf(canonical(policy));
    policyDigests.set(policy, digest);
    return `${policyKey(policy.ref)} ${digest}`;
  });
  return idOf(lines.sort().join('\n'));
}

const idOf = (text: string): ContentId => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** JSON with sorted keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

const folders = { policies: 'snapshots', identity: 'identities' } as const;
type Kind = keyof typeof folders;

const fileOf = (directory: string, kind: Kind, id: ContentId): string =>
  join(directory, folders[kind], `${id.replace(':', '-')}.json.gz`);

export interface SnapshotLimits {
  /** Files of each kind that are kept; those that were used longest ago go first. */
  readonly policySets: number;
  readonly identities: number;
}

export const defaultSnapshotLimits: SnapshotLimits = { policySets: 500, identities: 20_000 };

/** Keeps what records are about to name. */
export class SnapshotStore {
  readonly #policies: Folder;
  readonly #identities: Folder;

  private constructor(policies: Folder, identities: Folder) {
    this.#policies = policies;
    this.#identities = identities;
  }

  /** @param directory the log's own */
  static async open(directory: string, limits: SnapshotLimits = defaultSnapshotLimits): Promise<SnapshotStore> {
    return new SnapshotStore(
      await Folder.open(directory, 'policies', limits.policySets),
      await Folder.open(directory, 'identity', limits.identities),
    );
  }

  /** @throws Error of the file system; the id stands all the same, and may be stored later */
  async keepPolicies(id: ContentId, policies: readonly AnyPolicy[]): Promise<void> {
    await this.#policies.keep(id, () => ({ policies }));
  }

  async keepIdentity(id: ContentId, identity: PodIdentity): Promise<void> {
    await this.#identities.keep(id, () => identity);
  }
}

const pack = promisify(gzip);

class Folder {
  readonly #directory: string;
  readonly #kind: Kind;
  readonly #most: number;
  /** Used longest ago first. */
  readonly #stored: Set<ContentId>;
  readonly #writing = new Map<ContentId, Promise<void>>();

  private constructor(directory: string, kind: Kind, most: number, stored: readonly ContentId[]) {
    this.#directory = directory;
    this.#kind = kind;
    this.#most = most;
    this.#stored = new Set(stored);
  }

  static async open(directory: string, kind: Kind, most: number): Promise<Folder> {
    const folder = join(directory, folders[kind]);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found: { id: ContentId; time: number }[] = [];
    for (const name of await readdir(folder)) {
      const [, digest] = /^sha256-([0-9a-f]{64})\.json\.gz$/.exec(name) ?? [];
      // What a run that was killed left half written.
      if (digest === undefined) await rm(join(folder, name), { force: true });
      else found.push({ id: `sha256:${digest}`, time: (await stat(join(folder, name))).mtimeMs });
    }
    const byTime = found.sort((a, b) => a.time - b.time).map(({ id }) => id);
    return new Folder(directory, kind, most, byTime);
  }

  async keep(id: ContentId, content: () => unknown): Promise<void> {
    if (this.#stored.delete(id)) {
      this.#stored.add(id);
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

  /** Beside it, then in its place: nobody sees half a file. */
  async #write(id: ContentId, content: unknown): Promise<void> {
    const path = fileOf(this.#directory, this.#kind, id);
    await writeFile(`${path}.new`, await pack(JSON.stringify(content)), { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#stored.add(id);
    for (const oldest of this.#stored) {
      if (this.#stored.size <= this.#most) return;
      this.#stored.delete(oldest);
      await rm(fileOf(this.#directory, this.#kind, oldest), { force: true });
    }
  }
}

/** In bytes; no policy set comes near, and a file that unpacks to more is no snapshot. */
const largest = 512 << 20;

/** Reads what a store kept. Synchronous: who judges a record must have it at once. */
export class SnapshotReader {
  readonly #directories: readonly string[];
  readonly #policies = new LRUCache<ContentId, { readonly found: readonly AnyPolicy[] | undefined }>({ max: 4 });
  readonly #identities = new LRUCache<ContentId, { readonly found: PodIdentity | undefined }>({ max: 20_000 });

  /** @param directories of the logs that are read */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** Undefined when it is gone, or is not what its name says. */
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

  #read<T>(
    id: ContentId,
    kind: Kind,
    parse: (content: unknown) => T,
    idOfContent: (value: T) => string,
  ): T | undefined {
    if (!/^sha256:[0-9a-f]{64}$/.test(id)) return undefined;
    for (const directory of this.#directories) {
      const content = contentOf(fileOf(directory, kind, id));
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

/** Undefined for a file that is not there, or is damaged. */
function contentOf(path: string): unknown {
  try {
    return JSON.parse(gunzipSync(readFileSync(path), { maxOutputLength: largest }).toString('utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
