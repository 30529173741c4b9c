/** What the smallest command takes, beside a node that does nothing. */
import { execa } from 'execa';
import type { BenchOptions, Figure } from './figures.js';
import { bundle } from '../support/product.js';
import { median } from './statistics.js';

const goalMilliseconds = 120;

export async function measureVersion({ fast }: BenchOptions): Promise<Figure[]> {
  const own: number[] = [];
  const bare: number[] = [];
  // In turn: what else the machine does meets both.
  for (let run = 0; run < (fast ? 5 : 31); run += 1) {
    own.push(await millisecondsOf([bundle, '--version']));
    bare.push(await millisecondsOf(['-e', '0']));
  }
  const [milliseconds, node] = [median(own), median(bare)];
  return [
    {
      what: '(j) podwall --version, from start to exit',
      measured: `${milliseconds.toFixed(0)} ms (${(milliseconds / node).toFixed(2)} times node -e 0, which takes ${node.toFixed(0)} ms)`,
      goal: `<= ${goalMilliseconds} ms`,
      met: milliseconds <= goalMilliseconds,
      values: { milliseconds, node },
    },
  ];
}

async function millisecondsOf(args: readonly string[]): Promise<number> {
  const started = performance.now();
  await execa(process.execPath, args);
  return performance.now() - started;
}
