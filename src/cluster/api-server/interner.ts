import { LRUCache } from 'lru-cache';
import type { Diagnostic } from '../../model/diagnostic.js';
import type { ReadObject } from './api-kinds.js';

const none: readonly Diagnostic[] = [];

/**
 * Pods of one owner have the same labels, ports and workload, those of one node its addresses: each is kept once. Done as soon as an object is read, so that what is
 * given up for it is still young when it goes.
 */
export class Interner {
  readonly #known = new LRUCache<string, object>({ max: 20_000 });

  intern({ change, diagnostics }: ReadObject): ReadObject {
    const shared = diagnostics.length === 0 ? none : diagnostics;
    if (change === undefined) return { diagnostics: shared };
    if (change.kind !== 'pod' || change.pod === undefined) return { change, diagnostics: shared };
    const { labels, ports, workload, hostAddresses } = change.pod;
    const pod = {
      ...change.pod,
      labels: this.#once(labels),
      ports: this.#once(ports),
      ...(hostAddresses === undefined ? {} : { hostAddresses: this.#once(hostAddresses) }),
      ...(workload === undefined ? {} : { workload: this.#once(workload) }),
    };
    return { change: { ...change, pod }, diagnostics: shared };
  }

  #once<T extends object>(value: T): T {
    const text = JSON.stringify(value);
    const known = this.#known.get(text) as T | undefined;
    if (known === undefined) this.#known.set(text, value);
    return known ?? value;
  }
}
