import type { ClusterChange, ClusterSnapshot } from '../model/cluster.js';
import { isEnforceable, objectKey, type Pod } from '../model/pod.js';
import type { CniResults } from './cni-results.js';
import { Listeners } from './listeners.js';
import type { ClusterSource, SourceChange, SyncedCluster } from './types.js';

interface EarlyAddressesOptions {
  /** The node whose pods are attached here. */
  readonly node: string;
  /** Disposed of with the cluster. */
  readonly results: CniResults;
}

/** The same cluster, whose pods of this node have their addresses as soon as they are attached. */
export class EarlyAddressesSource implements ClusterSource {
  readonly #source: ClusterSource;
  readonly #options: EarlyAddressesOptions;

  constructor(source: ClusterSource, options: EarlyAddressesOptions) {
    this.#source = source;
    this.#options = options;
  }

  async sync(signal?: AbortSignal): Promise<SyncedCluster> {
    return new EarlyAddresses(await this.#source.sync(signal), this.#options);
  }
}

/**
 * Adds the addresses that CNI gave to pods without addresses. As soon as a pod's status has addresses, only those
 * count.
 */
class EarlyAddresses implements SyncedCluster {
  readonly #cluster: SyncedCluster;
  readonly #options: EarlyAddressesOptions;
  readonly #listeners = new Listeners<SourceChange>();
  /** Pods of this node whose status has no address yet, as the cluster has them, and the addresses found for them. */
  readonly #waiting = new Map<string, { readonly pod: Pod; readonly found: Pod['addresses'] }>();
  readonly #subscriptions: Disposable[];
  #known: ReadonlyMap<string, Pod['addresses']>;

  constructor(cluster: SyncedCluster, options: EarlyAddressesOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#known = options.results.addresses();
    this.#subscriptions = [
      cluster.onChange(({ changes, noticedAt }) =>
        this.#listeners.notify({ changes: changes.map((change) => this.#completed(change)), noticedAt }),
      ),
      options.results.onChange(() => this.#resultsChanged()),
    ];
  }

  snapshot(): ClusterSnapshot {
    const snapshot = this.#cluster.snapshot();
    return { ...snapshot, pods: snapshot.pods.map((pod) => this.#note(objectKey(pod.ref), pod)) };
  }

  problems: SyncedCluster['problems'] = () => this.#cluster.problems();
  staleSince: SyncedCluster['staleSince'] = () => this.#cluster.staleSince();
  uid: NonNullable<SyncedCluster['uid']> = () => this.#cluster.uid?.();
  addressNotFound: NonNullable<SyncedCluster['addressNotFound']> = () => this.#cluster.addressNotFound?.();
  traffic: NonNullable<SyncedCluster['traffic']> = () => this.#cluster.traffic?.() ?? { restarts: 0, receivedBytes: 0 };
  onProblems: SyncedCluster['onProblems'] = (listener) => this.#cluster.onProblems(listener);

  onChange(listener: (change: SourceChange) => void): Disposable {
    return this.#listeners.add(listener);
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    this.#options.results[Symbol.dispose]();
    this.#cluster[Symbol.dispose]();
  }

  #completed(change: ClusterChange): ClusterChange {
    if (change.kind !== 'pod') return change;
    const key = objectKey(change.ref);
    if (change.pod !== undefined) return { ...change, pod: this.#note(key, change.pod) };
    this.#waiting.delete(key);
    return change;
  }

  /** @returns the pod with the addresses that are known of it. */
  #note(key: string, pod: Pod): Pod {
    if (pod.node !== this.#options.node || pod.addresses.length > 0 || !isEnforceable(pod)) {
      this.#waiting.delete(key);
      return pod;
    }
    const addresses = this.#known.get(pod.uid) ?? [];
    this.#waiting.set(key, { pod, found: addresses });
    return addresses.length === 0 ? pod : { ...pod, addresses };
  }

  #resultsChanged(): void {
    const noticedAt = performance.now();
    this.#known = this.#options.results.addresses();
    const changes = [...this.#waiting].flatMap(([key, { pod, found }]): ClusterChange[] => {
      const completed = this.#note(key, pod);
      return completed.addresses.join() === found.join() ? [] : [{ kind: 'pod', ref: pod.ref, pod: completed }];
    });
    if (changes.length > 0) this.#listeners.notify({ changes, noticedAt });
  }
}
