import { readFile } from 'node:fs/promises';
import { isAssertions, parseAssertions, type Assertions } from '../analysis/assertions.js';
import { manifestsAt } from '../cluster/manifest-tree.js';
import { InputError } from '../cluster/types.js';
import { readDocuments } from '../manifests/documents.js';
import { formatPath } from '../model/diagnostic.js';

/** Documents of kind Assertions by file; files without one are left out. */
export async function readAssertions(
  paths: readonly string[],
): Promise<readonly { readonly file: string; readonly assertions: readonly Assertions[] }[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  const read = await Promise.all(files.map(async (file) => ({ file, assertions: await assertionsIn(file) })));
  return read.filter(({ assertions }) => assertions.length > 0);
}

async function filesAt(path: string): Promise<readonly string[]> {
  try {
    return await manifestsAt(path);
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
}

async function assertionsIn(file: string): Promise<readonly Assertions[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError(`${file}: ${(error as Error).message}`);
  });
  if (!text.includes('Assertions')) return [];
  const { documents, errors } = readDocuments(text, file);
  const [error] = errors;
  if (error !== undefined) throw new InputError(`${file}:${error.line}:${error.column}: ${error.message}`);
  return documents.flatMap((document) => {
    if (!isAssertions(document.object)) return [];
    const parsed = parseAssertions(document.object);
    if ('expect' in parsed) return [parsed];
    const { line, column } = document.position(parsed.path);
    throw new InputError(`${file}:${line}:${column}: ${formatPath(parsed.path)}: ${parsed.message}`);
  });
}
