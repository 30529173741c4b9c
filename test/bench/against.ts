/** `--against COMMIT`: the same items of this tree and of a commit's, in turns; each tree runs its own bench. */
import { execa } from 'execa';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { comparisonTable, compareRounds, overall, type AgainstOptions, type Round } from './comparison.js';
import type { BenchOptions, Figure } from './figures.js';

/** `--only packets` runs "audit packets" as well, in every tree: the item's own figures have this letter. */
const letters: Readonly<Record<string, string>> = { packets: '(a)', events: '(b)', felt: '(k)', tenants: '(l)' };
/** Measured from outside, by this tree's bench: a commit needs no bench of its own for them. */
const byProduct: readonly string[] = ['felt', 'tenants'];

const root = resolve(import.meta.dirname, '../..');

/** Prints a table for each item. @returns 1 when a bound is passed */
export async function measureAgainst(options: AgainstOptions & BenchOptions): Promise<number> {
  const { commit, items, rounds, bounds } = options;
  const other = await mkdtemp(join(tmpdir(), 'podwall-bench-against-'));
  worktree = other;
  try {
    await checkOut(commit, other);
    let isWithin = true;
    for (const item of items) {
      const measured: Round[] = [];
      for (let round = 0; round < rounds; round += 1) {
        console.error(`measuring ${item}, round ${round + 1} of ${rounds} ...`);
        // Who goes first takes turns, too.
        const [first, second] = round % 2 === 0 ? [root, other] : [other, root];
        const figures = new Map([[first, await measureIn(first, item, options)]]);
        figures.set(second, await measureIn(second, item, options));
        measured.push({ here: figures.get(root) ?? [], there: figures.get(other) ?? [] });
      }
      const compared = compareRounds(measured);
      if (compared.length === 0) throw new Error(`the two trees have no cost of ${item} in common`);
      const bound = bounds.get(item);
      console.log(`${comparisonTable(item, compared, bound)}\n`);
      isWithin &&= bound === undefined || overall(compared) <= bound;
    }
    return isWithin ? 0 : 1;
  } finally {
    await removeWorktree();
  }
}

let worktree: string | undefined;
let removal: Promise<void> | undefined;

/** Once, whoever asks first: the end of the measurement, or of a run that is interrupted. */
export const removeWorktree = (): Promise<void> => (removal ??= remove(worktree));

async function remove(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  await execa('git', ['worktree', 'remove', '--force', folder], { cwd: root, reject: false });
  await rm(folder, { recursive: true, force: true });
}

/** The commit's files, its packages and its build. */
async function checkOut(commit: string, folder: string): Promise<void> {
  await execa('git', ['worktree', 'add', '--detach', '--force', folder, commit], { cwd: root });
  const lock = (where: string): Promise<string> => readFile(join(where, 'package-lock.json'), 'utf8');
  if ((await lock(root)) === (await lock(folder)))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  else await execa('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] });
  await execa('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: ['ignore', 2, 2] });
}

/** By the tree's own bench, which writes bench.json, or by this one's. */
async function measureIn(folder: string, item: string, { fast, rows }: BenchOptions): Promise<readonly Figure[]> {
  const isByProduct = byProduct.includes(item);
  const flags = [
    ...['--only', item],
    ...(fast ? ['--fast'] : []),
    ...(isByProduct ? ['--product', join(folder, 'dist/podwall.js')] : []),
    ...(isByProduct && rows !== undefined ? ['--rows', rows] : []),
  ];
  const cwd = isByProduct ? root : folder;
  await execa('npx', ['tsx', 'test/bench/main.ts', ...flags], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const { figures } = JSON.parse(await readFile(join(cwd, 'bench.json'), 'utf8')) as { figures: Figure[] };
  return figures.filter(({ what }) => what.startsWith(letters[item] ?? ''));
}
