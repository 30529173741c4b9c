import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * An agent runs on every node for months: what it holds counts more than a millisecond now and then. To be called before
 * there is much in memory.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** From the first state in force to the collection: what comes right after a start is over by then. Milliseconds. */
const afterStart = 2000;

/**
 * Gives back, once, what the start needed: V8 lets a heap that has grown stand for as long as nothing forces it, and an
 * agent that has read a large cluster would keep many times what it holds.
 */
export class StartupHeap implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  settled(): void {
    this.#timer ??= setTimeout(collect, afterStart);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const garbageCollector = runInNewContext('gc') as () => void;
  garbageCollector();
}
