import type { Labels, LabelSelector } from '../model/labels.js';

/** Selectors by what a pod must carry, so that a pod meets few candidates; they are known by ids. */
export class Candidates<Id> {
  readonly #byPair = new Map<string, Set<Id>>();
  readonly #others = new Set<Id>();

  add(id: Id, selector: LabelSelector): void {
    const pairs = requiredPairs(selector);
    if (pairs === undefined) this.#others.add(id);
    for (const pair of pairs ?? []) {
      const bucket = this.#byPair.get(pair) ?? new Set();
      this.#byPair.set(pair, bucket.add(id));
    }
  }

  remove(id: Id, selector: LabelSelector): void {
    this.#others.delete(id);
    for (const pair of requiredPairs(selector) ?? []) {
      const bucket = this.#byPair.get(pair);
      bucket?.delete(id);
      if (bucket?.size === 0) this.#byPair.delete(pair);
    }
  }

  *of(labels: Labels): Iterable<Id> {
    yield* this.#others;
    for (const [key, value] of Object.entries(labels)) yield* this.#byPair.get(`${key}=${value}`) ?? [];
  }
}

/** One of these pairs a pod must carry; undefined when the selector has no `In` and any pod may match. */
function requiredPairs(selector: LabelSelector): readonly string[] | undefined {
  const required = selector.requirements.find((requirement) => requirement.operator === 'In');
  return required?.operator === 'In'
    ? [...new Set(required.values)].map((value) => `${required.key}=${value}`)
    : undefined;
}
