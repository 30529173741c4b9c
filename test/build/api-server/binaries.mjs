import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheFolder } from '../cache-folder.mjs';

/** Where our own build goes: another folder for every other set of modules. */
export async function binaryFolder() {
  const hash = createHash('sha256');
  for (const name of ['etcd', 'kube-apiserver']) hash.update(await readFile(join(import.meta.dirname, name, 'go.sum')));
  return cacheFolder(`apiserver-${hash.digest('hex').slice(0, 12)}`);
}

/** The folder that has both programs: KUBEBUILDER_ASSETS, PATH, our own build; undefined when none has. */
export async function findBinaries() {
  const path = (process.env.PATH ?? '').split(delimiter);
  for (const folder of [process.env.KUBEBUILDER_ASSETS, ...path, await binaryFolder()]) {
    if (folder === undefined || folder === '') continue;
    const both = ['etcd', 'kube-apiserver'].map((name) => access(join(folder, name)));
    if ((await Promise.allSettled(both)).every(({ status }) => status === 'fulfilled')) return folder;
  }
  return undefined;
}
