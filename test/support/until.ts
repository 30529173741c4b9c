import { setTimeout as delay } from 'node:timers/promises';

/** Waits for what an event elsewhere brings about. */
export async function until(holds: () => boolean | Promise<boolean>, within = 5000): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${holds.toString()}`);
    await delay(5);
  }
}
