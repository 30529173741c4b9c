/** A folder that holds what the image holds, assembled from this machine's own packages: no container tool is needed. */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, open, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Image } from './containerfile.js';

/**
 * Of Debian's base system (essential packages) only what the image's programs use: env starts `podwall`, sleep is what
 * idles, and `nft -i` reads how the terminal is that it does not have.
 */
const baseFiles = ['/usr/bin/env', '/usr/bin/sleep', '/lib/terminfo/d/dumb'];
const mountPoints = ['proc', 'sys', 'dev', 'tmp', 'run', 'var'];
const repository = resolve(import.meta.dirname, '../../..');

/** Why the image's files cannot be had here, in a sentence. */
export const missingForTree = existsSync('/usr/bin/dpkg')
  ? undefined
  : 'needs Debian: the image is assembled from its packages';

/** Assembles the image's root file system in an empty folder. */
export async function assembleTree(image: Image, folder: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(folder, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(folder, name));
  }
  for (const name of mountPoints) await mkdir(join(folder, name));
  await symlink('/run', join(folder, 'var/run'));
  await chmod(join(folder, 'tmp'), 0o1777);
  const files = [...baseFiles, ...(await filesOfPackages(image.packages))];
  for (const path of files) await copyInto(folder, path, path);
  for (const { stage, source, target } of image.copies) await copyInto(folder, originOf(stage, source), target);
  for (const library of await librariesOf([...files, process.execPath])) await copyInto(folder, library, library);
  for (const { name, target } of image.links) await symlink(target, join(folder, name));
}

/** Where on this machine stands what a stage of the build has. */
function originOf(stage: string, source: string): string {
  if (stage === 'node' && source === '/usr/local/bin/node') return process.execPath;
  if (stage === 'build' && source.startsWith('/src/')) return join(repository, source.slice('/src/'.length));
  throw new Error(`the image copies ${source} from ${stage}, which this machine does not have`);
}

async function filesOfPackages(packages: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await execa('dpkg', ['--listfiles', ...packages]);
  const paths = stdout.split('\n').filter((path) => path.startsWith('/') && !/^\/usr\/share\/(doc|man)/.test(path));
  const files = await Promise.all(
    [...new Set(paths)].map(async (path) => (existsSync(path) && (await stat(path)).isFile() ? [path] : [])),
  );
  return files.flat();
}

/** Shared libraries, and the loader itself. */
async function librariesOf(files: readonly string[]): Promise<ReadonlySet<string>> {
  const programs: string[] = [];
  for (const path of files) if (await isElf(path)) programs.push(path);
  const { stdout } = await execa('ldd', programs);
  return new Set([...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = '']) => path));
}

async function isElf(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.toString('latin1') === '\x7fELF';
}

async function copyInto(folder: string, source: string, target: string): Promise<void> {
  const place = join(folder, target);
  if (existsSync(place)) return;
  await mkdir(dirname(place), { recursive: true });
  await cp(await realpath(source), place, { recursive: true, verbatimSymlinks: true });
}
