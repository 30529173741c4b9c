/**
 * An etcd that is too old for streamed lists, as Debian 12 has it: an API server refuses them on it. It is unpacked into
 * the user's cache and not installed, since the package would start a service.
 */
import { execa } from 'execa';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../apiserver/binaries.mjs';

const unpacked = join(cacheFolder('debian-etcd'), 'usr/bin/etcd');
const candidates = [unpacked, '/usr/bin/etcd'];

/** The API server streams from 3.4.31 of one line and 3.5.13 of the other. */
const isOld = (version: string): boolean => {
  const [, major, minor, patch] = (/etcd Version: (\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major === 3 && patch !== undefined && ((minor === 4 && patch < 31) || (minor === 5 && patch < 13));
};

/** Path of the program; undefined when this machine has none. */
export async function findOldEtcd(): Promise<string | undefined> {
  for (const program of candidates) {
    const { stdout, failed } = await execa(program, ['--version'], { reject: false });
    if (!failed && isOld(stdout)) return program;
  }
  return undefined;
}

export const missingOldEtcd = 'no etcd older than 3.4.31 here: `npm run test:cluster` fetches the one of Debian 12';

/** Fetches the distribution's package when there is none yet. @returns whether there is one now */
export async function provideOldEtcd(): Promise<boolean> {
  if ((await findOldEtcd()) !== undefined) return true;
  const folder = cacheFolder('debian-etcd');
  const trial = `${folder}.${process.pid}`;
  await mkdir(trial, { recursive: true });
  try {
    const fetched = await execa('apt-get', ['download', '-qq', 'etcd-server'], { cwd: trial, reject: false });
    const archive = (await readdir(trial)).find((name) => name.endsWith('.deb'));
    if (fetched.failed || archive === undefined) return false;
    await execa('dpkg-deb', ['--extract', archive, '.'], { cwd: trial });
    await rm(folder, { recursive: true, force: true });
    await rename(trial, folder);
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
  return (await findOldEtcd()) !== undefined;
}
