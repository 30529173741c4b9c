const first = 100;
const longest = 10_000;

/** Milliseconds to wait after so many attempts that failed before this one: twice as long each time, up to ten seconds. */
export const retryDelay = (attempts: number): number => Math.min(first * 2 ** attempts, longest);
