import { groupBy } from '../generic/group-by.js';
import { changeKey, type ClusterChange } from '../model/cluster.js';
import type { Clock } from './clock.js';
import { LoadPacing } from './load-pacing.js';

/** The queue of Nodes and Namespaces; no namespace has this name. */
const clusterQueue = '';
/** Changes that may wait in one queue; beyond it, only the last change of each object is kept. */
const mostPending = 20_000;
/**
 * Milliseconds of compiling and rendering without a pause: the first, or up to the second where a turn of the namespace takes
 * nft a multiple of it, so that 1,000 policies of one pod do not rebuild its rules for each few of them.
 */
const sliceTime = { least: 5, most: 20 };
const applyingPerSlice = 4;
/** A slice of so many changes is cut no further within the longer time: what it takes may be what all changes share. */
const firstSlice = 32;
/** So few changes that were noticed together come into force together: what replaces a policy must not come after it went. */
const mostTogether = 64;

interface PendingChange {
  readonly change: ClusterChange;
  readonly noticedAt: number;
  /** Equal for what the source announced at once; undefined where that is much. */
  readonly batch: number | undefined;
}

/** The changes of one namespace's objects that wait for their turn, in their order. */
export class ChangeQueue {
  readonly name: string;
  /** Paces a stream of changes: several are taken together. */
  readonly pacing: LoadPacing;
  /** Milliseconds of work done for it, on the scale of all queues. */
  charge: number;
  /** Its turn is on its way to the kernel, and later changes wait for that. */
  isBusy = false;
  /** Milliseconds that it took to bring its last turn into force. */
  lastApplying = 0;
  #pending: PendingChange[] = [];
  #coalesceAt = mostPending;
  #sliceSize = firstSlice;

  constructor(name: string, clock: Clock, charge: number) {
    this.name = name;
    this.charge = charge;
    this.pacing = new LoadPacing(clock);
  }

  get length(): number {
    return this.#pending.length;
  }

  /** @returns whether changes were left out because later ones of the same objects follow. */
  add(change: PendingChange): boolean {
    this.#pending.push(change);
    if (this.#pending.length < this.#coalesceAt) return false;
    const last = new Map<string, PendingChange>();
    for (const one of this.#pending) {
      const key = changeKey(one.change);
      last.delete(key);
      last.set(key, one);
    }
    this.#pending = [...last.values()];
    // So that each change is looked at a few times at most, however many objects there are.
    this.#coalesceAt = Math.max(mostPending, 2 * this.#pending.length);
    return true;
  }

  /** The next changes: about as many as can be compiled in one slice; a small batch is not cut. */
  takeSlice(): readonly PendingChange[] {
    return this.#pending.splice(0, this.#cut());
  }

  /** How many changes the next slice has. */
  #cut(): number {
    const size = this.#sliceSize;
    const batch = this.#pending[size]?.batch;
    if (batch === undefined) return size;
    let [first, end] = [size, size];
    while (this.#pending[first - 1]?.batch === batch) first -= 1;
    while (this.#pending[end]?.batch === batch) end += 1;
    return first > 0 ? first : end;
  }

  /** A slice of so many changes took so many milliseconds. */
  sliceTook(changes: number, milliseconds: number): void {
    const { least, most } = sliceTime;
    const aim = Math.min(Math.max(this.lastApplying / applyingPerSlice, least), most);
    const fits = milliseconds <= 0 ? Infinity : (changes * aim) / milliseconds;
    const fewest = milliseconds <= most ? Math.min(firstSlice, this.#sliceSize * 2) : 1;
    this.#sliceSize = Math.max(fewest, Math.round(Math.min(fits, this.#sliceSize * 2)));
  }
}

/** One queue for each namespace, and one for what belongs to none. */
export class ChangeQueues {
  readonly #clock: Clock;
  readonly #queues = new Map<string, ChangeQueue>();
  /** What a queue begins with that was empty: it has no claim to the time before. */
  #charge = 0;
  #batches = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the namespaces that change faster than their changes can be taken: what is outdated was left out. */
  add(changes: readonly ClusterChange[], noticedAt: number): ReadonlySet<string> {
    const overrun = new Set<string>();
    this.#batches += 1;
    for (const [name, ofQueue] of groupBy(changes, queueNameOf)) {
      const batch = ofQueue.length <= mostTogether ? this.#batches : undefined;
      const queue = this.#queueOf(name);
      for (const change of ofQueue) if (queue.add({ change, noticedAt, batch })) overrun.add(name);
    }
    return overrun;
  }

  get isEmpty(): boolean {
    for (const queue of this.#queues.values()) if (queue.length > 0) return false;
    return true;
  }

  /** Whether changes of the namespace are not in force yet. */
  isPending(namespace: string): boolean {
    const queue = this.#queues.get(namespace);
    return queue !== undefined && (queue.isBusy || queue.length > 0);
  }

  /** Queues whose changes may be taken now: first what belongs to no namespace, then the one that has had the least. */
  ready(): readonly ChangeQueue[] {
    this.#forgetIdle();
    return [...this.#queues.values()]
      .filter((queue) => isWaiting(queue) && queue.pacing.pause() === 0)
      .sort((a, b) => Number(b.name === clusterQueue) - Number(a.name === clusterQueue) || a.charge - b.charge);
  }

  /** Queues with changes, whether it is their time or not. */
  all(): readonly ChangeQueue[] {
    return [...this.#queues.values()].filter(({ length }) => length > 0);
  }

  /** Milliseconds until a queue is ready; undefined when none waits. */
  pause(): number | undefined {
    const pauses = [...this.#queues.values()].filter(isWaiting).map(({ pacing }) => pacing.pause());
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  }

  /** So many milliseconds were worked for the queue. */
  charge(queue: ChangeQueue, milliseconds: number): void {
    this.#charge = Math.max(this.#charge, queue.charge);
    queue.charge += milliseconds;
  }

  #queueOf(name: string): ChangeQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = new ChangeQueue(name, this.#clock, this.#charge);
    this.#queues.set(name, queue);
    return queue;
  }

  #forgetIdle(): void {
    for (const [name, queue] of this.#queues)
      if (queue.length === 0 && !queue.isBusy && queue.pacing.isIdle) this.#queues.delete(name);
  }
}

const queueNameOf = (change: ClusterChange): string => ('ref' in change ? change.ref.namespace : clusterQueue);

const isWaiting = (queue: ChangeQueue): boolean => queue.length > 0 && !queue.isBusy;
