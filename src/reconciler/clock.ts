/** Time as the loop sees it, so that tests own it. */
export interface Clock {
  /** Milliseconds on a steady clock, comparable with a source's `noticedAt`. */
  now(): number;
  /** Milliseconds of processor time that this process has had: on a busy machine it waits for most of a second. */
  worked(): number;
  /** Milliseconds since 1970, for what people read. */
  timestamp(): number;
  /** Runs `task` once after `milliseconds`; disposing cancels. */
  after(milliseconds: number, task: () => void): Disposable;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  worked() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  timestamp: () => performance.timeOrigin + performance.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Lets others have the thread: changes arrive, and timers run. */
export const otherEvents = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
