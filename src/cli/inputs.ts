/** What commands for people read: files, directories, stdin, kustomizations, a live cluster. */
import { execa, ExecaError } from 'execa';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { manifestsAt } from '../cluster/manifest-tree.js';
import { InputError } from '../cluster/types.js';
import { documentWithoutText } from '../manifests/documents.js';
import { assumedObjects } from './assumed.js';
import { Collected, type Inputs } from './collected.js';
import { choiceOf } from './options.js';

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
  const { assume = [] } = flags;
  const collected = new Collected({ strict: !isLive(flags) });
  await readInto(collected, flags);
  for (const { name, object } of assumedObjects(assume))
    if (!collected.has(object)) collected.takeDocument(documentWithoutText(`--assume ${name}`, object));
  return collected.inputs();
}

/** What takes in what was read: texts of files, and objects of a live cluster. */
export type Reading = Pick<Collected, 'takeText' | 'takeDocument'>;

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

async function takePath(into: Reading, path: string): Promise<void> {
  if (path === '-') {
    into.takeText(decoded(await buffer(process.stdin)), '<stdin>');
    return;
  }
  try {
    for (const name of await manifestsAt(path)) into.takeText(decoded(await readFile(name)), name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
}

/** UTF-8, or UTF-16 that says so by its byte order mark. */
function decoded(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
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
  const { listObjects } = await import('../cluster/api-server/list-objects.js');
  const { objects, server } = await listObjects(choiceOf(flags), AbortSignal.timeout(60_000));
  for (const object of objects) into.takeDocument(documentWithoutText(server, object));
}
