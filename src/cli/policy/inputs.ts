/** What commands for people read: files, directories, stdin, kustomizations, a live cluster. */
import { execa, ExecaError } from 'execa';
import { decoded, readManifestText } from '../../cluster/manifest-text.js';
import { manifestsAt, reasonOf } from '../../cluster/manifest-tree.js';
import { InputError } from '../../cluster/types.js';
import type { Decoded } from '../../manifests/decode.js';
import { documentWithoutText, type ManifestDocument } from '../../manifests/documents.js';
import { assumedObjects } from './assumed.js';
import { Collected, type Inputs } from './collected.js';
import { choiceOf } from '../common/options.js';
import { withProgress } from '../common/progress.js';

export type { Inputs } from './collected.js';

export interface InputFlags {
  readonly file: readonly string[];
  readonly kustomize?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Counterparts that an application's repository does not contain. */
  readonly assume?: readonly string[];
}

export const isLive = ({ kubeconfig, context }: InputFlags): boolean =>
  kubeconfig !== undefined || context !== undefined;

/** @throws InputError when a path, a kustomization or the API server cannot be read at all. */
export async function readInputs(flags: InputFlags): Promise<Inputs> {
  const collected = new Collected({ strict: !isLive(flags) });
  await readInto(collected, flags);
  for (const document of assumedDocuments(flags, collected)) collected.takeDocument(document);
  return collected.inputs();
}

/** What was assumed, and is not in the input. */
export const assumedDocuments = ({ assume = [] }: InputFlags, read: Collected): readonly ManifestDocument[] =>
  assumedObjects(assume)
    .filter(({ object }) => !read.has(object))
    .map(({ name, object }) => documentWithoutText(`--assume ${name}`, object));

/** What takes in what was read: texts of files, what is wrong with them, and objects of a live cluster. */
export type Reading = Pick<Collected, 'takeText' | 'takeError' | 'takeDocument'>;

/** @throws InputError as {@link readInputs} */
export async function readInto(into: Reading, flags: InputFlags): Promise<void> {
  const { file, kustomize = [] } = flags;
  if (file.length + kustomize.length === 0 && !isLive(flags))
    throw new InputError(
      'nothing to read: give -f FILE, -f DIR, -f - for stdin, -k DIR, or --kubeconfig or --context for a live cluster',
    );
  if (file.length + kustomize.length > 0 && isLive(flags))
    throw new InputError('-f and -k read files; --kubeconfig and --context read a live cluster: give one of them');
  for (const path of file) await takePath(into, path);
  for (const directory of kustomize) into.takeText(await kustomized(directory), directory);
  if (isLive(flags)) await takeCluster(into, flags);
}

const filesAhead = 8;

async function takePath(into: Reading, path: string): Promise<void> {
  if (path === '-') {
    takeDecoded(into, await decoded(process.stdin, '<stdin>'), '<stdin>');
    return;
  }
  // What was named must be there; what lies below a directory is left out aloud when it cannot be read.
  const unread = (name: string, error: unknown): void => into.takeError({ file: name, message: reasonOf(error) });
  try {
    const files = await manifestsAt(path, unread);
    const read = (name: string): Promise<Decoded | undefined> =>
      readManifestText(name).catch((error: unknown) => {
        if (name === path) throw error;
        unread(name, error);
        return undefined;
      });
    // Some are read ahead: otherwise half of the time nothing is done but wait for the next one.
    const ahead = files.slice(0, filesAhead).map(read);
    for (const [index, name] of withProgress(`reading ${path}`, [...files.entries()])) {
      const content = await ahead[index % filesAhead];
      const next = files[index + filesAhead];
      if (next !== undefined) ahead[index % filesAhead] = read(next);
      takeDecoded(into, content, name);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError(`${path}: ${reasonOf(error)}`);
  }
}

function takeDecoded(into: Reading, read: Decoded | undefined, name: string): void {
  if (read?.ok === true) into.takeText(read.text, name);
  else if (read !== undefined) into.takeError(read.error);
}

async function kustomized(directory: string): Promise<string> {
  const attempts = [
    ['kustomize', 'build', directory],
    ['kubectl', 'kustomize', directory],
  ] as const;
  for (const [program, ...args] of attempts)
    try {
      return (await execa(program, args)).stdout;
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error;
      if (error.code !== 'ENOENT') throw new InputError(`${directory}: ${error.message}`);
    }
  throw new InputError(`-k ${directory} needs kustomize or kubectl, and neither is installed`);
}

/** Objects as the API server lists them; loaded only when asked for, since the client is large. */
async function takeCluster(into: Reading, flags: InputFlags): Promise<void> {
  const { listObjects } = await import('../../cluster/api-server/list-objects.js');
  const { objects, server } = await listObjects(choiceOf(flags), AbortSignal.timeout(60_000));
  for (const object of objects) into.takeDocument(documentWithoutText(server, object));
}
