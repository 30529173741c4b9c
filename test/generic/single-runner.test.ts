import { expect, test } from '@jest/globals';
import { SingleRunner } from '../../src/generic/single-runner.js';

test('requests during a run make exactly one more run, and runs never overlap', async () => {
  let running = 0;
  let runs = 0;
  const runner = new SingleRunner(
    async () => {
      running += 1;
      expect(running).toBe(1);
      runs += 1;
      if (runs === 1) for (let i = 0; i < 10; i += 1) runner.request();
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
    },
    (error) => {
      throw error;
    },
  );
  runner.request();
  runner.request();
  await runner.idle();
  expect(runs).toBe(2);
});

test('a failed run is reported and does not stop later ones', async () => {
  const failures: unknown[] = [];
  let runs = 0;
  const runner = new SingleRunner(
    () => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('first')) : Promise.resolve();
    },
    (error) => failures.push(error),
  );
  runner.request();
  await runner.idle();
  runner.request();
  await runner.idle();
  expect(runs).toBe(2);
  expect(failures).toEqual([new Error('first')]);
});

test('after stop nothing starts any more', async () => {
  let runs = 0;
  const runner = new SingleRunner(
    () => {
      runs += 1;
      return Promise.resolve();
    },
    () => undefined,
  );
  await runner.stop();
  runner.request();
  await runner.idle();
  expect(runs).toBe(0);
});
