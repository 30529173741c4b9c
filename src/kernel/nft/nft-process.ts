import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nftErrorFrom, nftMissing } from './nft-errors.js';
import { limitTime } from './time-limit.js';
import { NftError } from '../../nftables/language/nftables.js';

/** The command that runs nft: `['nft']`, or with a prefix that enters another network namespace. */
export type NftCommand = readonly string[];

interface NftOutcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Never 0 when it was ended by a signal. */
  readonly exitCode: number;
}

/** Runs nft once. @throws NftError when it is missing, or was ended because it made no progress or took a minute */
export async function runNft(command: NftCommand, args: readonly string[]): Promise<NftOutcome> {
  const [file = 'nft', ...prefix] = command;
  const child = execa(file, [...prefix, ...args], {
    reject: false,
    env: { LC_ALL: 'C' },
    stdin: 'ignore',
    stripFinalNewline: false,
  });
  let tooLong: string | undefined;
  const limit = limitTime(child.pid, (why) => {
    tooLong = why;
    child.kill('SIGKILL');
  });
  const result = await child;
  limit[Symbol.dispose]();
  if ('code' in result && result.code === 'ENOENT') throw nftMissing(result);
  if (tooLong !== undefined) throw new NftError('timed-out', `nft ${tooLong}`, { cause: result });
  // By a prefix that enters a namespace, the signal comes as a shell would say it.
  const signal = result.signal ?? ((result.exitCode ?? 0) > 128 ? `signal ${(result.exitCode ?? 0) - 128}` : undefined);
  const stderr = signal === undefined ? result.stderr : `nft crashed (${signal})\n${result.stderr}`;
  return { stdout: result.stdout, stderr, exitCode: result.exitCode ?? -1 };
}

/** A transaction as nft reads it: text where our printer can express it, else JSON. */
export interface Source {
  readonly format: 'text' | 'json';
  readonly content: string;
}

/** Runs one transaction in a process of its own, from a file: nft 1.0.6 cannot read the socket that Node gives as stdin. */
export async function runTransaction(
  command: NftCommand,
  { format, content }: Source,
  options: { checkOnly: boolean },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-nft-'));
  try {
    const path = join(folder, 'transaction');
    await writeFile(path, content, { mode: 0o600 });
    const args = [...(format === 'json' ? ['-j'] : []), ...(options.checkOnly ? ['-c'] : []), '-f', path];
    const { exitCode, stderr } = await runNft(command, args);
    if (exitCode !== 0) throw nftErrorFrom(stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
