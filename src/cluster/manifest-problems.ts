import { formatPath } from '../model/diagnostic.js';
import { visible } from '../model/visible.js';
import type { FileContent } from './manifest-file.js';
import { kustomizedFolders } from './kustomizations.js';
import { describeDuplicate, ManifestSet } from './manifest-set.js';
import { InputError } from '../generic/input-error.js';
import type { SourceProblem } from './types.js';

/** @throws InputError with every error found, and every object that appears twice */
export function wholeOrError(contents: ReadonlyMap<string, FileContent>): ManifestSet {
  const set = new ManifestSet();
  const edited = set.edit(contents);
  const errors = [...contents.values()].flatMap((content) => content.errors.map(describeProblem));
  const all = [...errors, ...('duplicates' in edited ? edited.duplicates.map(describeDuplicate) : [])];
  if (all.length > 0) throw new InputError(all.join('\n'));
  return set;
}

/**
 * A tree with a kustomization holds bases and patches, and not what is applied.
 *
 * @throws InputError
 */
export function refuseKustomizations(path: string, files: Iterable<string>): void {
  const [folder] = kustomizedFolders(files);
  if (folder !== undefined)
    throw new InputError(
      `${path}: ${folder} has a kustomization, so its files are not what is applied: give what kubectl kustomize ${folder} prints`,
    );
}

/** `file:line:column: object: field: message` */
export function describeProblem({ file, line, column, object, diagnostic }: SourceProblem): string {
  const name =
    object === undefined
      ? ''
      : `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}: `;
  const path = formatPath(diagnostic.path);
  return `${visible(file ?? '')}:${line ?? 1}:${column ?? 1}: ${name}${path === '' ? '' : `${path}: `}${diagnostic.message}`;
}

/** A problem that belongs to no object. */
export const inputProblem = (message: string): SourceProblem => ({
  diagnostic: { code: 'input', severity: 'error', path: [], message },
});
