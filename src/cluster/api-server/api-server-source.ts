import { changeKey, snapshotOf, type ClusterChange, type ClusterSnapshot } from '../../model/cluster.js';
import { Listeners } from '../listeners.js';
import type { ClusterSource, SourceChange, SourceProblem, SourceTraffic, SyncedCluster } from '../types.js';
import { ApiConnection } from './connection.js';
import type { ConnectionChoice } from './kube-config.js';
import { FollowedObjects } from './followed-objects.js';
import { Interner } from './interner.js';
import { defaultPollTimes, PolledList, type PollTimes } from './polled-list.js';
import { defaultTimes, Reflector, type ReflectorTimes } from './reflector.js';
import { apiKinds, apiKindsOf, type ApiKind, type ReadObject } from './api-kinds.js';

export interface ApiServerOptions extends ConnectionChoice {
  /** Follows only this Node, and lists the others now and then; absent: follows all of them. */
  readonly node?: string;
  readonly onDebug?: (message: string) => void;
  readonly onError?: (message: string) => void;
  readonly times?: ReflectorTimes;
  readonly pollTimes?: PollTimes;
}

/** The cluster as its API server has it: every kind is listed completely, then watched for ever. */
export class ApiServerSource implements ClusterSource {
  readonly #options: ApiServerOptions;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  /** Waits for as long as it takes: a server that is away is the world's failure, and comes back. */
  async sync(signal?: AbortSignal): Promise<SyncedCluster> {
    const cluster = new ApiServerCluster(await ApiConnection.open(this.#options), this.#options);
    const stop = (): void => cluster[Symbol.dispose]();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await cluster.synced();
      signal?.throwIfAborted();
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    return cluster;
  }
}

class ApiServerCluster implements SyncedCluster {
  readonly #connection: ApiConnection;
  readonly #options: ApiServerOptions;
  readonly #ending = new AbortController();
  readonly #followed: readonly FollowedObjects[];
  readonly #polled: PolledList[] = [];
  /** Why a kind is not followed now. */
  readonly #interruptions = new Map<ApiKind, string>();
  readonly #missing: Set<ApiKind>;
  readonly #listeners = new Listeners<SourceChange>();
  readonly #problemListeners = new Listeners<readonly SourceProblem[]>();
  readonly #synced: Promise<void>;
  #markSynced: () => void = () => undefined;
  #staleSince: number | undefined;
  #restarts = 0;

  constructor(connection: ApiConnection, options: ApiServerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#synced = new Promise((resolve) => (this.#markSynced = resolve));
    const interner = new Interner();
    const kinds = (options.node === undefined ? apiKinds : apiKindsOf(options.node)).map(
      ({ read, ...rest }): ApiKind => ({ ...rest, read: (object) => interner.intern(read(object)) }),
    );
    this.#missing = new Set(kinds);
    this.#followed = kinds.map((kind) => this.#follow(kind));
  }

  /** Resolves when every kind has been listed, or when the cluster is disposed of. */
  synced(): Promise<void> {
    return this.#synced;
  }

  snapshot(): ClusterSnapshot {
    return snapshotOf(this.#followed.flatMap((objects) => [...objects.all()]));
  }

  problems(): readonly SourceProblem[] {
    const interruptions = [...this.#interruptions.values()].map(interruptionProblem);
    return [...interruptions, ...this.#followed.flatMap((objects) => objects.problems())];
  }

  uid(): string | undefined {
    const key = changeKey({ kind: 'namespace', name: 'kube-system' });
    const known = this.#followed.map((objects) => objects.get(key)).find((change) => change !== undefined);
    return known?.kind === 'namespace' ? known.namespace?.uid : undefined;
  }

  staleSince(): number | undefined {
    return this.#staleSince;
  }

  traffic(): SourceTraffic {
    return { restarts: this.#restarts, receivedBytes: this.#connection.receivedBytes };
  }

  onChange(listener: (change: SourceChange) => void): Disposable {
    return this.#listeners.add(listener);
  }

  onProblems(listener: (problems: readonly SourceProblem[]) => void): Disposable {
    return this.#problemListeners.add(listener);
  }

  addressNotFound(): void {
    for (const list of this.#polled) list.missed();
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#connection.close();
    this.#markSynced();
  }

  #follow(kind: ApiKind): FollowedObjects {
    const objects = new FollowedObjects(kind, (message) => this.#options.onError?.(message));
    const { times = defaultTimes, pollTimes = defaultPollTimes } = this.#options;
    const events = this.#eventsOf(kind, objects);
    if (kind.by === 'lists') {
      const list = new PolledList(this.#connection, kind, events, { ...times, ...pollTimes });
      this.#polled.push(list);
      void list.run(this.#ending.signal);
    } else void new Reflector(this.#connection, kind, events, times).run(this.#ending.signal);
    return objects;
  }

  #eventsOf(kind: ApiKind, objects: FollowedObjects) {
    return {
      onList: (listed: readonly ReadObject[]): boolean => {
        const noticedAt = performance.now();
        const changes = objects.replace(listed);
        this.#missing.delete(kind);
        if (this.#missing.size === 0) this.#markSynced();
        this.#announce(changes, noticedAt);
        this.#reportChangedProblems(objects);
        return changes.length > 0;
      },
      onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ReadObject): void => {
        this.#announce(type === 'DELETED' ? objects.remove(object) : objects.update(object));
        this.#reportChangedProblems(objects);
      },
      onContact: () => this.#resumed(kind),
      onInterruption: (message: string) => this.#interrupted(kind, message),
    };
  }

  #announce(changes: readonly ClusterChange[], noticedAt = performance.now()): void {
    if (changes.length === 0 || this.#missing.size > 0) return;
    this.#listeners.notify({ changes, noticedAt });
  }

  #resumed(kind: ApiKind): void {
    if (!this.#interruptions.delete(kind)) return;
    this.#options.onDebug?.(`${kind.name}: followed again`);
    if (this.#interruptions.size === 0) this.#staleSince = undefined;
    this.#reportProblems();
  }

  #interrupted(kind: ApiKind, message: string): void {
    this.#restarts += 1;
    const text = this.#missing.size > 0 ? message : `${message}; the last known state stays in force`;
    if (this.#interruptions.get(kind) !== text) this.#options.onError?.(text);
    this.#interruptions.set(kind, text);
    this.#staleSince ??= performance.now();
    this.#reportProblems();
  }

  /** Once for a list, however many of its objects have problems. */
  #reportChangedProblems(objects: FollowedObjects): void {
    if (objects.haveProblemsChanged()) this.#reportProblems();
  }

  #reportProblems(): void {
    this.#problemListeners.notify(this.problems());
  }
}

const interruptionProblem = (message: string): SourceProblem => ({
  diagnostic: { code: 'api-server', severity: 'error', path: [], message },
});
