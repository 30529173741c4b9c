/**
 * `npm run mutants [-- --only TEXT ...] [-- --sample COUNT]`: plants one fault after another in a copy of the source and
 * expects the suite to notice. A survivor names a test that is missing, and fails the run. A sample is another one in each
 * run; its seed is printed, and PODWALL_SEED repeats it.
 */
import { execa } from 'execa';
import fc from 'fast-check';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/report/table.js';
import { defaultTests, mutants, type Mutant } from './mutants.js';

interface Fate {
  readonly mutant: Mutant;
  /** The suite that noticed; undefined when none did. */
  readonly caughtBy: string | undefined;
  readonly seconds: number;
}

const root = resolve(import.meta.dirname, '../..');
/**
 * Random cases are the same in every run, and fewer: a fault that only the thousandth would find needs a case of its own.
 */
const environment = {
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
  PODWALL_PROPERTY_SCALE: '0.3',
  PODWALL_SEED: '1',
};

async function copyOfSource(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-mutant-'));
  for (const name of ['src', 'test', 'policies-examples', 'package.json', 'tsconfig.json'])
    await cp(join(root, name), join(folder, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Whether the suite passes there. */
async function passes(folder: string, test: string): Promise<boolean> {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const { exitCode, all } = await execa(process.execPath, [jest, '--runInBand', '--bail', '--ci', test], {
    cwd: folder,
    env: environment,
    reject: false,
    all: true,
    timeout: 240_000,
  });
  if (exitCode !== 0 && !/\d+ failed/.test(all)) throw new Error(`${test} could not be run:\n${all}`);
  return exitCode === 0;
}

async function fateOf(mutant: Mutant, folder: string): Promise<Fate> {
  const started = performance.now();
  const path = join(folder, mutant.file);
  const source = await readFile(path, 'utf8');
  if (source.split(mutant.find).length !== 2)
    throw new Error(`${mutant.title}: not exactly once in ${mutant.file}: ${mutant.find}`);
  await writeFile(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  let caughtBy: string | undefined;
  for (const test of mutant.tests ?? defaultTests) {
    if (await passes(folder, test)) continue;
    caughtBy = test;
    break;
  }
  await writeFile(path, source);
  return { mutant, caughtBy, seconds: (performance.now() - started) / 1000 };
}

/** @throws RangeError when COUNT is no number above 0 */
function chosen(only: readonly string[], sample: string | undefined): Mutant[] {
  const all = mutants.filter(({ title }) => only.some((text) => title.includes(text)));
  if (sample === undefined) return all;
  const count = Number(sample);
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`--sample: a number above 0, not ${sample}`);
  const seed = Number(process.env['PODWALL_SEED'] ?? Date.now() % 1_000_000);
  console.error(`${String(Math.min(count, all.length))} of ${String(all.length)} planted faults, seed ${String(seed)}`);
  const order = fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), { seed, numRuns: 1 })[0] ?? [];
  return order.slice(0, count);
}

/** Each piece of work by whichever folder is free; the first error once the others are through with their folders. */
async function shareOut<T>(folders: readonly string[], work: T[], act: (one: T, folder: string) => Promise<void>) {
  const workers = await Promise.allSettled(
    folders.map(async (folder) => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) await act(next, folder);
    }),
  );
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: 'string', multiple: true, default: [''] }, sample: { type: 'string' } },
  });
  const waiting = chosen(values.only, values.sample);
  const fates: Fate[] = [];
  const folders = await Promise.all(Array.from({ length: availableParallelism() }, copyOfSource));
  try {
    const suites = [...new Set(waiting.flatMap(({ tests }) => tests ?? defaultTests))];
    await shareOut(folders, suites, async (test, folder) => {
      if (!(await passes(folder, test))) throw new Error(`${test} fails without any fault`);
    });
    await shareOut(folders, waiting, async (mutant, folder) => {
      const fate = await fateOf(mutant, folder);
      fates.push(fate);
      console.error(`${fate.caughtBy === undefined ? 'SURVIVES' : 'caught  '} ${mutant.title}`);
    });
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
  const rows = fates.map(({ mutant, caughtBy, seconds }) => [
    mutant.title,
    mutant.file,
    caughtBy ?? `SURVIVES ${(mutant.tests ?? defaultTests).join(', ')}`,
    `${seconds.toFixed(1)} s`,
  ]);
  console.log(formatTable([['FAULT', 'IN', 'CAUGHT BY', 'TOOK'], ...rows]));
  const survivors = fates.filter(({ caughtBy }) => caughtBy === undefined);
  console.log(`\n${fates.length - survivors.length} of ${fates.length} planted faults are caught.`);
  for (const { mutant } of survivors) console.log(`No test notices that ${mutant.title}: write one.`);
  return survivors.length === 0 ? 0 : 1;
}

process.exitCode = await main();
