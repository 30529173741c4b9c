/** Files of Debian packages, unpacked into the user's cache and not installed: nothing is started, and nothing configured. */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { cacheFolder } from '../cache-folder.mjs';

/** Where a package's files stand once it is unpacked. */
export const unpackedPackage = (name: string): string => cacheFolder(`debian-${name}`);

/** Fetches and unpacks the package unless that was done. @returns whether its files are there now */
export async function provideUnpacked(name: string): Promise<boolean> {
  const folder = unpackedPackage(name);
  if (existsSync(folder)) return true;
  const trial = `${folder}.${process.pid}`;
  await mkdir(trial, { recursive: true });
  try {
    await execa('apt-get', ['download', '-qq', name], { cwd: trial, reject: false });
    const archive = (await readdir(trial)).find((file) => file.endsWith('.deb'));
    if (archive === undefined) return false;
    await execa('dpkg-deb', ['--extract', archive, '.'], { cwd: trial });
    await rm(`${trial}/${archive}`);
    await rename(trial, folder);
    return true;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}
