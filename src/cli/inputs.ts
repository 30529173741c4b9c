/** What commands for people read: files, directories, stdin, kustomizations, a live cluster. */
import { execa, ExecaError } from 'execa';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { manifestsAt } from '../cluster/manifest-tree.js';
import { InputError } from '../cluster/types.js';
import { assumedObjects } from './assumed.js';
import { Collected, type Inputs } from './collected.js';

export type { Inputs } from './collected.js';

export interface InputFlags {
  readonly file: readonly string[];
  readonly kustomize?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Counterparts that an application's repository does not contain. */
  readonly assume?: readonly string[];
}

const isLive = ({ kubeconfig, context }: InputFlags): boolean => kubeconfig !== undefined || context !== undefined;

/** @throws InputError when a path, a kustomization or the API server cannot be read at all. */
export async function readInputs(flags: InputFlags): Promise<Inputs> {
  const { file, kustomize = [], assume = [] } = flags;
  if (file.length + kustomize.length === 0 && !isLive(flags))
    throw new InputError(
      'nothing to read: give -f FILE, -f DIR, -f - for stdin, -k DIR, or --kubeconfig or --context for a live cluster',
    );
  if (file.length + kustomize.length > 0 && isLive(flags))
    throw new InputError('-f and -k read files; --kubeconfig and --context read a live cluster: give one of them');
  const collected = new Collected({ strict: !isLive(flags) });
  for (const path of file) await takePath(collected, path);
  for (const directory of kustomize) collected.takeText(await kustomized(directory), directory);
  if (isLive(flags)) await takeCluster(collected, flags);
  for (const { name, object } of assumedObjects(assume))
    if (!collected.has(object))
      collected.takeDocument({ file: `--assume ${name}`, object, position: () => ({ line: 0, column: 0 }) });
  return collected.inputs();
}

async function takePath(collected: Collected, path: string): Promise<void> {
  if (path === '-') {
    collected.takeText(decoded(await buffer(process.stdin)), '<stdin>');
    return;
  }
  try {
    for (const name of await manifestsAt(path)) collected.takeText(decoded(await readFile(name)), name);
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
async function takeCluster(collected: Collected, { kubeconfig, context }: InputFlags): Promise<void> {
  const { listObjects } = await import('../cluster/api-server/list-objects.js');
  const choice = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  const { objects, server } = await listObjects(choice, AbortSignal.timeout(60_000));
  for (const object of objects)
    collected.takeDocument({ file: server, object, position: () => ({ line: 0, column: 0 }) });
}
