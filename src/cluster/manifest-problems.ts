import { formatPath } from '../model/diagnostic.js';
import type { FileContent } from './manifest-file.js';
import { describeDuplicate, ManifestSet } from './manifest-set.js';
import { InputError } from '../generic/input-error.js';
import type { SourceProblem } from './types.js';

/** @throws InputError with every error found, and every object that appears twice */
export function wholeOrError(contents: ReadonlyMap<string, FileContent>): ManifestSet {
  const set = new ManifestSet(contents);
  const errors = [...contents.values()].flatMap((content) => content.errors.map(describeProblem));
  const all = [...errors, ...set.duplicates.map(describeDuplicate)];
  if (all.length > 0) throw new InputError(all.join('\n'));
  return set;
}

/** `file:line:column: object: field: message` */
export function describeProblem({ file, line, column, object, diagnostic }: SourceProblem): string {
  const name =
    object === undefined
      ? ''
      : `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}: `;
  const path = formatPath(diagnostic.path);
  return `${file ?? ''}:${line ?? 1}:${column ?? 1}: ${name}${path === '' ? '' : `${path}: `}${diagnostic.message}`;
}

/** A problem that belongs to no object. */
export const inputProblem = (message: string): SourceProblem => ({
  diagnostic: { code: 'input', severity: 'error', path: [], message },
});
