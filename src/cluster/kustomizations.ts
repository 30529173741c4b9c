/** Trees that kustomize builds: what their kustomizations name as parts of others is no object by itself. */
import { basename, dirname, join } from 'node:path';
import { readDocuments } from '../manifests/documents.js';
import { isMapping } from '../model/parse.js';
import { readManifestText } from './manifest-text.js';

export const isKustomization = (file: string): boolean => /^(kustomization\.ya?ml|Kustomization)$/.test(basename(file));

/** The folders that have a kustomization. */
export const kustomizedFolders = (files: Iterable<string>): readonly string[] =>
  [...files].filter(isKustomization).map((file) => dirname(file));

interface Kustomized {
  /** Files that are patches, or in a base or component, of a kustomization of the tree. */
  readonly fragments: ReadonlySet<string>;
  /** Folders whose kustomization no other one of the tree names: `-k` builds them. */
  readonly folders: readonly string[];
}

/** What the kustomizations among these files say of the others; one that cannot be read says nothing. */
export async function kustomizedIn(files: readonly string[]): Promise<Kustomized> {
  const fragments = new Set<string>();
  const folders = kustomizedFolders(files);
  for (const file of files.filter(isKustomization)) {
    const folder = dirname(file);
    for (const part of await partsNamedBy(file)) {
      const path = join(folder, part);
      const isAround = path === '.' || folder === path || folder.startsWith(`${path}/`);
      for (const one of files) if (one === path || (!isAround && one.startsWith(`${path}/`))) fragments.add(one);
    }
  }
  const isRoot = (folder: string): boolean =>
    !files.some((file) => fragments.has(file) && isKustomizationOf(file, folder));
  const roots = folders.filter(isRoot);
  return { fragments, folders: roots.length > 0 ? roots : folders };
}

const isKustomizationOf = (file: string, folder: string): boolean => isKustomization(file) && dirname(file) === folder;

/** Paths of patches, and of folders; a file among the resources is applied as it is. */
async function partsNamedBy(file: string): Promise<readonly string[]> {
  const read = await readManifestText(file).catch(() => undefined);
  if (read?.ok !== true) return [];
  const object = readDocuments(read.text, file).documents[0]?.object;
  const fields = isMapping(object) ? object : {};
  const listed = (name: string): readonly unknown[] => (Array.isArray(fields[name]) ? (fields[name] as unknown[]) : []);
  const patches = [
    ...['patches', 'patchesJson6902'].flatMap(listed).map((one) => (isMapping(one) ? one['path'] : undefined)),
    ...listed('patchesStrategicMerge'),
  ];
  const folders = ['resources', 'bases', 'components'].flatMap(listed);
  return [
    ...patches.filter((one) => typeof one === 'string' && !one.includes('\n')),
    ...folders.filter((one) => typeof one === 'string' && !/\.(ya?ml|json)$|:\/\//.test(one)),
  ] as readonly string[];
}

/** The trees in a few words: what to give instead. */
export function buildHint(folders: readonly string[]): string {
  const named = folders.slice(0, 3).map((folder) => `-k ${folder}`);
  const left = folders.length - named.length;
  return `${named.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}
