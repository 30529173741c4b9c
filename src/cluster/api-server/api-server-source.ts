import { changeKey, deletionOf, snapshotOf, type ClusterChange, type ClusterSnapshot } from '../../model/cluster.js';
import { Listeners } from '../listeners.js';
import type { ClusterSource, SourceChange, SourceProblem, SourceTraffic, SyncedCluster } from '../types.js';
import { ApiConnection } from './connection.js';
import type { ConnectionChoice } from './kube-config.js';
import { Interner } from './interner.js';
import { defaultTimes, Reflector, type ReflectorTimes } from './reflector.js';
import { resources, type ReadObject, type Resource } from './resources.js';

export interface ApiServerOptions extends ConnectionChoice {
  readonly onDebug?: (message: string) => void;
  readonly onError?: (message: string) => void;
  readonly times?: ReflectorTimes;
}

/** The cluster as its API server tells it: every kind listed completely, then watched for ever. */
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
  readonly #objects = new Map<string, ClusterChange>();
  readonly #diagnosed = new Map<string, readonly SourceProblem[]>();
  /** By resource: why it is not followed now. */
  readonly #troubles = new Map<Resource['name'], string>();
  readonly #missing = new Set(resources.map(({ name }) => name));
  readonly #listeners = new Listeners<SourceChange>();
  readonly #problemListeners = new Listeners<readonly SourceProblem[]>();
  readonly #synced: Promise<void>;
  #markSynced: () => void = () => undefined;
  #staleSince: number | undefined;
  #problemsChanged = false;
  #restarts = 0;

  constructor(connection: ApiConnection, options: ApiServerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#synced = new Promise((resolve) => (this.#markSynced = resolve));
    const interner = new Interner();
    for (const { read, ...rest } of resources) {
      const resource: Resource = { ...rest, read: (object) => interner.intern(read(object)) };
      const reflector = new Reflector(connection, resource, this.#eventsOf(resource), options.times ?? defaultTimes);
      void reflector.run(this.#ending.signal);
    }
  }

  /** Resolves when every kind has been listed, or when the cluster is disposed of. */
  synced(): Promise<void> {
    return this.#synced;
  }

  snapshot(): ClusterSnapshot {
    return snapshotOf(this.#objects.values());
  }

  problems(): readonly SourceProblem[] {
    return [...[...this.#troubles.values()].map(troubleProblem), ...[...this.#diagnosed.values()].flat()];
  }

  uid(): string | undefined {
    const known = this.#objects.get(changeKey({ kind: 'namespace', name: 'kube-system' }));
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

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#connection.close();
    this.#markSynced();
  }

  #eventsOf(resource: Resource): ConstructorParameters<typeof Reflector>[2] {
    return {
      onList: (objects) => {
        this.#replace(resource, objects);
        this.#tellChangedProblems();
      },
      onEvent: (type, object) => {
        this.#announce(this.#take(object, type === 'DELETED'));
        this.#tellChangedProblems();
      },
      onHeard: () => this.#heard(resource),
      onTrouble: (message) => this.#trouble(resource, message),
    };
  }

  /** What the list does not have is gone, however it went. */
  #replace(resource: Resource, objects: readonly ReadObject[]): void {
    const noticedAt = performance.now();
    const vanished = new Map([...this.#objects].filter(([, { kind }]) => kind === resource.kind));
    const changes = objects.flatMap((object) => {
      if (object.change !== undefined) vanished.delete(changeKey(object.change));
      return this.#take(object, false);
    });
    for (const [key, change] of vanished) {
      this.#forget(key);
      changes.push(deletionOf(change));
    }
    this.#missing.delete(resource.name);
    if (this.#missing.size === 0) this.#markSynced();
    this.#announce(changes, noticedAt);
  }

  /** @returns the change, unless nothing that we read has changed. */
  #take({ change, diagnostics }: ReadObject, deleted: boolean): ClusterChange[] {
    if (change === undefined) {
      for (const { message } of diagnostics) this.#options.onError?.(`an object is ignored: ${message}`);
      return [];
    }
    const key = changeKey(change);
    if (deleted) {
      this.#forget(key);
      return [deletionOf(change)];
    }
    this.#diagnose(key, change, diagnostics);
    const former = this.#objects.get(key);
    if (former !== undefined && JSON.stringify(former) === JSON.stringify(change)) return [];
    this.#objects.set(key, change);
    return [change];
  }

  #forget(key: string): void {
    this.#objects.delete(key);
    if (this.#diagnosed.delete(key)) this.#problemsChanged = true;
  }

  #diagnose(key: string, change: ClusterChange, diagnostics: ReadObject['diagnostics']): void {
    if (diagnostics.length === 0 && !this.#diagnosed.has(key)) return;
    const object = 'ref' in change ? change.ref : { name: change.name };
    const kind = { policy: 'NetworkPolicy', pod: 'Pod', namespace: 'Namespace', node: 'Node' }[change.kind];
    const problems = diagnostics.map((diagnostic) => ({ object: { ...object, kind }, diagnostic }));
    if (problems.length === 0) this.#diagnosed.delete(key);
    else this.#diagnosed.set(key, problems);
    this.#problemsChanged = true;
  }

  #announce(changes: readonly ClusterChange[], noticedAt = performance.now()): void {
    if (changes.length === 0 || this.#missing.size > 0) return;
    this.#listeners.tell({ changes, noticedAt });
  }

  #heard({ name }: Resource): void {
    if (!this.#troubles.delete(name)) return;
    this.#options.onDebug?.(`${name}: followed again`);
    if (this.#troubles.size === 0) this.#staleSince = undefined;
    this.#tellProblems();
  }

  #trouble({ name }: Resource, message: string): void {
    this.#restarts += 1;
    const text = this.#missing.size > 0 ? message : `${message}; the last known state stays in force`;
    if (this.#troubles.get(name) !== text) this.#options.onError?.(text);
    this.#troubles.set(name, text);
    this.#staleSince ??= performance.now();
    this.#tellProblems();
  }

  /** Once for a list, however many of its objects have problems. */
  #tellChangedProblems(): void {
    if (!this.#problemsChanged) return;
    this.#problemsChanged = false;
    this.#tellProblems();
  }

  #tellProblems(): void {
    this.#problemListeners.tell(this.problems());
  }
}

const troubleProblem = (message: string): SourceProblem => ({
  diagnostic: { code: 'api-server', severity: 'error', path: [], message },
});
