/**
 * `npm run fuzz [-- --seconds 60 --only NUMBER]`: mutated manifests before every reader. A crash, or a case of
 * more than five seconds, ends the run with the command that reproduces it.
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seed } from '../support/seed.js';
import { mutated } from './mutations.js';
import { readEverywhere } from './readers.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
    child: { type: 'boolean', default: false },
  },
});
const only = values.only === undefined ? undefined : Number(values.only);
/** Of this process's own time, in microseconds: others may be busy on the machine. */
const slow = 5_000_000;
/** Without a word for so long, in milliseconds, the child hangs. */
const silent = 60_000;

const again = (number: number): string => `PODWALL_SEED=${seed} npm run fuzz -- --only ${number}`;

/** Runs cases until the time is over; reports to the parent which one is next. */
async function runCases(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-fuzz-'));
  const path = join(folder, 'case.yaml');
  const until = performance.now() + Number(values.seconds) * 1000;
  let number = only ?? 0;
  try {
    for (; only === undefined ? performance.now() < until : number === only; number += 1) {
      process.send?.(number);
      await writeFile(path, mutated(seed, number));
      const before = process.cpuUsage();
      await readEverywhere(path);
      const { user, system } = process.cpuUsage(before);
      if (user + system > slow) throw new Error(`took ${((user + system) / 1e6).toFixed(1)} s`);
    }
    console.log(`${number - (only ?? 0)} cases of seed ${seed}: no crash, none over 5 s`);
  } catch (error) {
    console.error(`case ${number} failed (${again(number)}):`, error);
    process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true });
  }
  process.disconnect();
}

/** A case that never ends can be noticed only by another process. */
function watchChild(): void {
  const child = fork(import.meta.filename, [...process.argv.slice(2), '--child'], {
    env: { ...process.env, PODWALL_SEED: String(seed) },
  });
  let running = 0;
  const hangs = (): void => {
    console.error(`case ${running} does not end: ${again(running)}`);
    child.kill('SIGKILL');
  };
  let timer = setTimeout(hangs, silent);
  child.on('message', (number: number) => {
    running = number;
    clearTimeout(timer);
    timer = setTimeout(hangs, silent);
  });
  child.on('exit', (code) => {
    clearTimeout(timer);
    process.exitCode = code ?? 1;
  });
}

if (values.child) await runCases();
else watchChild();
