const first = 100;
const longest = 4_000;

/** Milliseconds to wait after so many attempts that failed before this one: twice as long each time, up to four seconds. */
export const retryDelay = (attempts: number): number => Math.min(first * 2 ** attempts, longest);
