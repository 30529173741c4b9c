import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * An agent runs on every node for months: its memory matters more than a millisecond now and then. To be called before
 * much is allocated.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Milliseconds from the first applied state to the collection: by then the work of the start is done. */
const collectAfter = 2000;

/**
 * Frees, once, the memory that only the start needed: V8 does not shrink a heap by itself, and an agent that has read a
 * large cluster would keep many times the memory that it uses.
 */
export class StartupHeap implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  /** The first state is applied. */
  settled(): void {
    this.#timer ??= setTimeout(collectGarbage, collectAfter);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const garbageCollector = runInNewContext('gc') as () => void;
  garbageCollector();
}
