import { isAssertions, parseAssertions } from '../manifests/assertions.js';
import type { Expectation, PositionedAssertions } from '../model/expectation.js';
import { readManifestText } from './manifest-text.js';
import { manifestsAt, reasonOf } from './manifest-tree.js';
import { InputError } from '../generic/input-error.js';
import { readDocuments, type ManifestDocument } from '../manifests/documents.js';
import { formatPath } from '../model/diagnostic.js';
import { unreadText, positionText } from '../manifests/manifest-collector.js';

interface AssertionFiles {
  /** Files that have some. */
  readonly files: readonly { readonly file: string; readonly assertions: readonly PositionedAssertions[] }[];
  /** What could not be read below a directory, one line each. */
  readonly unparsed: readonly string[];
}

/** Reads documents of kind Assertions, by file. @throws InputError for a named file that cannot be read, and for a wrong field */
export async function readAssertions(paths: readonly string[]): Promise<AssertionFiles> {
  const unparsed: string[] = [];
  const files: AssertionFiles['files'][number][] = [];
  for (const path of paths) {
    const unread = (name: string, error: unknown): void => {
      if (name === path) throw new InputError(`${path}: ${reasonOf(error)}`);
      unparsed.push(unreadText({ file: name, message: reasonOf(error) }));
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
): Promise<{ assertions: readonly PositionedAssertions[]; errors: readonly string[] }> {
  const read = await readManifestText(file);
  if (!read.ok) return { assertions: [], errors: [unreadText(read.error)] };
  if (!read.text.includes('Assertions')) return { assertions: [], errors: [] };
  const { documents, errors } = readDocuments(read.text, file);
  const assertions = documents.flatMap((document) => {
    if (!isAssertions(document.object)) return [];
    const parsed = parseAssertions(document.object);
    const position = (of: Pick<Expectation, 'path' | 'line'>): string => positionOf(document, of);
    if ('expect' in parsed) return [{ ...parsed, position }];
    throw new InputError(`${positionText(document, parsed.path)}: ${formatPath(parsed.path)}: ${parsed.message}`);
  });
  return { assertions, errors: errors.map(unreadText) };
}

/** Of a line of a block scalar, whose first line is the one below its key; where it is no such text, the field's. */
function positionOf(document: ManifestDocument, { path, line }: Pick<Expectation, 'path' | 'line'>): string {
  const { line: first } = document.range(path, 'key');
  const text = line === undefined ? undefined : document.text().split('\n')[first + line];
  if (line === undefined || text?.includes('->') !== true) return positionText(document, path);
  return `${document.file}:${first + line + 1}:${text.search(/\S/) + 1}`;
}
