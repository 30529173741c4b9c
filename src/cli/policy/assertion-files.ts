import { isAssertions, parseAssertions, type Assertions, type Expectation } from '../../analysis/assertions.js';
import { readManifestText } from '../../cluster/manifest-text.js';
import { manifestsAt, reasonOf } from '../../cluster/manifest-tree.js';
import { InputError } from '../../cluster/types.js';
import { readDocuments } from '../../manifests/documents.js';
import { formatPath } from '../../model/diagnostic.js';
import { lineOf, placeOf } from './collected.js';

export interface PlacedAssertions extends Assertions {
  /** `file:line:column` of a field. */
  readonly place: (path: Expectation['path']) => string;
}

export interface AssertionFiles {
  /** Files that have some. */
  readonly files: readonly { readonly file: string; readonly assertions: readonly PlacedAssertions[] }[];
  /** What could not be read below a directory, one line each. */
  readonly unparsed: readonly string[];
}

/** Documents of kind Assertions by file. @throws InputError for a named file that cannot be read, and for a wrong field */
export async function readAssertions(paths: readonly string[]): Promise<AssertionFiles> {
  const unparsed: string[] = [];
  const files: AssertionFiles['files'][number][] = [];
  for (const path of paths) {
    const unread = (name: string, error: unknown): void => {
      if (name === path) throw new InputError(`${path}: ${reasonOf(error)}`);
      unparsed.push(lineOf({ file: name, message: reasonOf(error) }));
    };
    const found = await manifestsAt(path, unread).catch((error: unknown) => unread(path, error));
    for (const file of found ?? []) {
      const { assertions, errors } = await assertionsIn(file).catch((error: unknown) => {
        if (error instanceof InputError) throw error;
        unread(file, error);
        return { assertions: [], errors: [] };
      });
      if (file === path && errors.length > 0) throw new InputError(errors.join('\n'));
      unparsed.push(...errors);
      if (assertions.length > 0) files.push({ file, assertions });
    }
  }
  return { files, unparsed };
}

async function assertionsIn(
  file: string,
): Promise<{ assertions: readonly PlacedAssertions[]; errors: readonly string[] }> {
  const read = await readManifestText(file);
  if (!read.ok) return { assertions: [], errors: [lineOf(read.error)] };
  if (!read.text.includes('Assertions')) return { assertions: [], errors: [] };
  const { documents, errors } = readDocuments(read.text, file);
  const assertions = documents.flatMap((document) => {
    if (!isAssertions(document.object)) return [];
    const parsed = parseAssertions(document.object);
    const place = (path: Expectation['path']): string => placeOf(document, path);
    if ('expect' in parsed) return [{ ...parsed, place }];
    throw new InputError(`${place(parsed.path)}: ${formatPath(parsed.path)}: ${parsed.message}`);
  });
  return { assertions, errors: errors.map(lineOf) };
}
