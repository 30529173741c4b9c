/**
 * helm/Containerfile built by buildah, without a registry or a daemon: the images that it begins with are made from
 * Debian's archive and from this machine's own Node.
 */
import { execa } from 'execa';
import { copyFile, cp, mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { missingBuilders } from '../packages/system-packages.js';

const repository = resolve(import.meta.dirname, '../../..');

/** Why it cannot be built here, in a sentence. */
export const missingForBuild =
  process.getuid?.() !== 0
    ? 'needs root'
    : missingBuilders().length > 0
      ? `needs apt-get install ${missingBuilders().join(' ')}`
      : undefined;

/** What is installed beside node in its image, as far as the build needs it. */
const nodeImage = (hasAuthorities: boolean): string =>
  [
    'FROM docker.io/library/debian:bookworm-slim',
    'COPY node /usr/local/bin/node',
    'COPY npm /usr/local/lib/node_modules/npm',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
    // Whom this machine trusts beyond what Node does.
    ...(hasAuthorities ? ['COPY authorities /etc/authorities', 'ENV NODE_EXTRA_CA_CERTS=/etc/authorities'] : []),
  ].join('\n');

/**
 * Builds in an empty folder, in some minutes.
 * @returns the image's root file system, below that folder
 */
export async function buildImage(folder: string): Promise<string> {
  const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  const buildah = async (command: string, ...args: string[]): Promise<string> =>
    (await execa('buildah', [...storage, command, ...args], { stdin: 'ignore' })).stdout.trim();
  const build = (tag: string, context: string, file: string): Promise<string> =>
    buildah('bud', '--isolation', 'chroot', '--format', 'docker', '--pull-never', '-t', tag, '-f', file, context);
  const [debian, node] = [join(folder, 'debian'), join(folder, 'node')];
  for (const context of [debian, node]) await mkdir(context);
  await execa('mmdebstrap', ['--variant=minbase', 'bookworm', join(debian, 'base.tar')], { stdin: 'ignore' });
  await writeFile(join(debian, 'Containerfile'), 'FROM scratch\nADD base.tar /');
  await build('docker.io/library/debian:bookworm-slim', debian, join(debian, 'Containerfile'));
  const authorities = process.env['NODE_EXTRA_CA_CERTS'];
  await copyFile(process.execPath, join(node, 'node'));
  await cp(await npmFolder(), join(node, 'npm'), { recursive: true });
  if (authorities !== undefined) await copyFile(authorities, join(node, 'authorities'));
  await writeFile(join(node, 'Containerfile'), nodeImage(authorities !== undefined));
  await build('docker.io/library/node:20-bookworm-slim', node, join(node, 'Containerfile'));
  await build('podwall', repository, join(repository, 'helm/Containerfile'));
  return buildah('mount', await buildah('from', '--pull-never', 'localhost/podwall'));
}

/** Where npm stands: above the script that its name leads to. */
async function npmFolder(): Promise<string> {
  const { stdout } = await execa('which', ['npm']);
  return dirname(dirname(await realpath(stdout)));
}
