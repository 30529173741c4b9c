/**
 * nft of other releases of Debian, beside the system's: fetched from a package source of their own, signatures checked,
 * unpacked into the user's cache, and run with their own libraries.
 */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.mjs';

/** Debian 13 has nft 1.1.3, the release after it 1.1.7 or newer. */
export const nftReleases = ['trixie', 'forky'] as const;
type NftRelease = (typeof nftReleases)[number];

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** @returns a folder with `nft` in it, for the PATH; undefined when this machine cannot fetch it */
export async function provideNft(release: NftRelease): Promise<string | undefined> {
  const folder = cacheFolder(`nft-${release}`);
  const programs = join(folder, 'bin');
  if (existsSync(programs)) return programs;
  if (!existsSync(keyring)) return undefined;
  const trial = `${folder}.${process.pid}`;
  try {
    for (const archive of await fetchPackages(release, join(trial, 'apt')))
      await execa('dpkg-deb', ['--extract', archive, join(trial, 'root')]);
    await rm(join(trial, 'apt'), { recursive: true });
    await addProgram(trial, folder);
    await rename(trial, folder);
    return programs;
  } catch (error) {
    // Another process may have been faster.
    if (existsSync(programs)) return programs;
    console.error(
      `nft of Debian ${release} is not available: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}

/** Archives of nftables and of all that it depends on. */
async function fetchPackages(release: NftRelease, apt: string): Promise<readonly string[]> {
  const archives = join(apt, 'cache', 'archives');
  for (const path of [join(apt, 'state', 'lists', 'partial'), join(archives, 'partial')])
    await mkdir(path, { recursive: true });
  const [sources, installed] = [join(apt, 'sources.list'), join(apt, 'status')];
  await writeFile(sources, `deb [signed-by=${keyring}] http://deb.debian.org/debian ${release} main\n`);
  await writeFile(installed, '');
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '-',
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': installed,
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await execa('apt-get', [...options, 'update', '-qq']);
  const only = ['-y', '-qq', '--no-install-recommends', '--download-only'];
  await execa('apt-get', [...options, 'install', ...only, 'nftables']);
  return (await readdir(archives)).filter((name) => name.endsWith('.deb')).map((name) => join(archives, name));
}

/** The kernel calls a process as its loader's file is called. @param folder where `trial` will stand */
async function addProgram(trial: string, folder: string): Promise<void> {
  const { stdout } = await execa('find', [join(trial, 'root'), '-name', 'ld-linux*.so.*', '-type', 'f']);
  const [loader = ''] = stdout.split('\n');
  await mkdir(join(trial, 'loader'));
  await copyFile(loader, join(trial, 'loader', 'nft'));
  await chmod(join(trial, 'loader', 'nft'), 0o755);
  const { stdout: library } = await execa('find', [
    join(trial, 'root'),
    '-name',
    'libnftables.so.*',
    '-printf',
    '%h\n',
  ]);
  const [libraries = ''] = library.split('\n');
  const inFolder = (path: string): string => path.replace(trial, folder);
  await mkdir(join(trial, 'bin'));
  await writeFile(
    join(trial, 'bin', 'nft'),
    `#!/bin/sh\nexec ${folder}/loader/nft --library-path ${inFolder(libraries)} ${folder}/root/usr/sbin/nft "$@"\n`,
    { mode: 0o755 },
  );
}
