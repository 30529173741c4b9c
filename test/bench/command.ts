/** One run of `podwall ...` as a user starts it: the built program, in a process of its own. */
import { execa } from 'execa';
import { median } from './statistics.js';
import { bundle } from '../support/product.js';

export interface Run {
  /** From start to exit, by the clock. */
  readonly seconds: number;
  /** Of a core, in the program and in the kernel for it. */
  readonly busy: number;
  /** Peak of resident memory, as the kernel accounts it. */
  readonly megabytes: number;
}

/** Fails unless it ends with one of these exit codes. */
export async function runPodwall(args: readonly string[], exitCodes: readonly number[] = [0]): Promise<Run> {
  const report =
    "process.on('exit', () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage(); process.stderr.write(`\\n${maxRSS} ${userCPUTime + systemCPUTime}`); })";
  const preload = `data:text/javascript,${encodeURIComponent(report)}`;
  const started = performance.now();
  const { stderr, exitCode } = await execa(process.execPath, ['--import', preload, bundle, ...args], {
    stdout: 'ignore',
    reject: false,
  });
  const seconds = (performance.now() - started) / 1000;
  if (exitCode === undefined || !exitCodes.includes(exitCode))
    throw new Error(`podwall ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  const [kibibytes = NaN, microseconds = NaN] = (stderr.split('\n').at(-1) ?? '').split(' ').map(Number);
  return { seconds, busy: microseconds / 1e6, megabytes: (kibibytes * 1024) / 1e6 };
}

/** The medians of several runs' times, and the most memory that any of them took. */
export async function repeated(times: number, run: () => Promise<Run>): Promise<Run> {
  const runs: Run[] = [];
  for (let index = 0; index < times; index += 1) runs.push(await run());
  return {
    seconds: median(runs.map(({ seconds }) => seconds)),
    busy: median(runs.map(({ busy }) => busy)),
    megabytes: Math.max(...runs.map(({ megabytes }) => megabytes)),
  };
}

export const describeRun = ({ seconds, busy, megabytes }: Run): string =>
  `${seconds.toFixed(2)} s (${busy.toFixed(2)} s of a core), peak ${megabytes.toFixed(0)} MB`;
