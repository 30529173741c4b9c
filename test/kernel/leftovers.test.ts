/** What runs of tests that were killed leave goes with the next one, and nothing that a living one has. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { describePackets } from '../support/lab/requirements.js';
import { namespacesWith, processesIn, runPrefix } from '../support/runs.mjs';

const from = (path: string): string => JSON.stringify(resolve(import.meta.dirname, path));

/** As a run of tests: with its set-up, a lab, a process in the lab, something mounted in its folder. */
const runOfTests = `
  import begin from ${from('../jest/begin.mjs')};
  import { Lab, labNode } from ${from('../support/lab/lab.ts')};
  import { execFileSync } from 'node:child_process';
  import { mkdirSync, mkdtempSync } from 'node:fs';
  await begin();
  const lab = await Lab.create([labNode(1, 'bridge')]);
  await lab.run('n1', 'sh', '-c', 'sleep 600 >/dev/null 2>&1 &');
  mkdirSync(lab.folder + '/mounted here');
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', lab.folder + '/mounted here']);
  mkdtempSync(process.env.TMPDIR + '/any-');
  console.log(process.env.TMPDIR);
  setInterval(() => undefined, 1000);`;

interface Run {
  readonly process: PromiseLike<unknown> & { kill(signal: 'SIGKILL'): boolean };
  readonly folder: string;
  readonly prefix: string;
}

describePackets('a run that is killed', () => {
  let base: string;
  let runs: Run[];
  const start = async (): Promise<Run> => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', runOfTests];
    const child = execa(process.execPath, args, { reject: false, env: { TMPDIR: base } });
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const folder = printed.toString().trim();
    const run = { process: child, folder, prefix: `${basename(folder).replace('-run', '')}-` };
    runs.push(run);
    return run;
  };
  const kill = async (run: Run): Promise<void> => {
    run.process.kill('SIGKILL');
    await run.process;
  };
  /** The set-up of the next run, and its end. */
  const runNothing = () =>
    execa(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      import begin from ${from('../jest/begin.mjs')};
      import end from ${from('../jest/end.mjs')};
      await begin();
      await end();`,
      ],
      { env: { TMPDIR: base } },
    );
  const mounts = (run: Run): number => readFileSync('/proc/self/mountinfo', 'utf8').split(run.folder).length - 1;
  const left = (run: Run) => ({
    namespaces: namespacesWith(run.prefix).length,
    processes: processesIn(namespacesWith(run.prefix)).length,
    mounts: mounts(run),
    folder: existsSync(run.folder),
  });
  const everything = { namespaces: 3, processes: 1, mounts: 1, folder: true };
  const nothing = { namespaces: 0, processes: 0, mounts: 0, folder: false };

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'podwall-runs-'));
    runs = [];
  });
  afterEach(async () => {
    for (const run of runs) await kill(run);
    await runNothing();
    await rm(base, { recursive: true });
  }, 30_000);

  test('leaves nothing to the one after the next; what a living run has stays', async () => {
    const [killed, living] = [await start(), await start()];
    expect([left(killed), left(living)]).toEqual([everything, everything]);
    await kill(killed);
    expect(left(killed)).toEqual(everything);
    await runNothing();
    expect([left(killed), left(living)]).toEqual([nothing, everything]);
    await kill(living);
    await runNothing();
    expect(left(living)).toEqual(nothing);
  }, 60_000);

  test('is known by its start as well: its id may be given again, and other folders are none of a run', async () => {
    const [, pid = '', started = ''] = /^podwall-(\d+)-(\d+)-/.exec(runPrefix) ?? [];
    const names = [`podwall-run-${pid}-1`, `podwall-run-${pid}-${started}`, `podwall-run-${pid}`, 'podwall-lab-1-1'];
    for (const name of names) await mkdir(join(base, name));
    await writeFile(join(base, `podwall-run-${pid}-1`, 'file'), '');
    const other = `podwall-${pid}-1-n1`;
    await execa('ip', ['netns', 'add', other]);
    await execa('ip', ['netns', 'add', `${runPrefix}own`]);
    await runNothing();
    expect(names.filter((name) => existsSync(join(base, name)))).toEqual(names.slice(1));
    expect([namespacesWith(other), namespacesWith(`${runPrefix}own`)]).toEqual([[], [`${runPrefix}own`]]);
    await execa('ip', ['netns', 'del', `${runPrefix}own`]);
  }, 30_000);

  test('stays as long as a process that it started may write there', async () => {
    const folder = join(base, 'podwall-run-1-2');
    await mkdir(folder);
    const worker = execa('sleep', ['600'], { env: { TMPDIR: folder }, reject: false });
    await runNothing();
    expect(existsSync(folder)).toBe(true);
    worker.kill('SIGKILL');
    await worker;
    await runNothing();
    expect(existsSync(folder)).toBe(false);
  }, 30_000);
});
