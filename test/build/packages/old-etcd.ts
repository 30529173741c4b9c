/** An etcd that is too old for streamed lists, as Debian 12 has it: an API server refuses them on it. */
import { execa } from 'execa';
import { join } from 'node:path';
import { provideUnpacked, unpackedPackage } from './debian-packages.js';

// Not installed by us: the package would start a service.
const candidates = [join(unpackedPackage('etcd-server'), 'usr/bin/etcd'), '/usr/bin/etcd'];

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
  return (await provideUnpacked('etcd-server')) && (await findOldEtcd()) !== undefined;
}
