/** Where manifests for commands come from: files, directories, stdin, kustomizations, a live cluster. */
import { execa, ExecaError } from 'execa';
import { InputError } from '../generic/input-error.js';
import type { Decoded } from '../manifests/decode.js';
import { documentWithoutText } from '../manifests/documents.js';
import type { ManifestCollector, TextOrigin } from '../manifests/manifest-collector.js';
import type { ConnectionChoice } from './api-server/kube-config.js';
import { chartsIn } from './charts.js';
import { buildHint, isKustomization, kustomizedIn } from './kustomizations.js';
import { decoded, readManifestText } from './manifest-text.js';
import { hiddenIn, manifestsAt, reasonOf } from './manifest-tree.js';

interface ManifestInput {
  /** Files and directories; `-` is `stdin`. */
  readonly paths: readonly string[];
  readonly kustomizations: readonly string[];
  /** Absent: no live cluster is read. */
  readonly liveCluster?: ConnectionChoice;
  readonly stdin: AsyncIterable<unknown>;
  /** The same items, and whoever waits sees how far the reading is. */
  readonly withProgress: <T>(what: string, items: readonly T[]) => Iterable<T>;
}

/** Takes what was read: texts of files, what is wrong with them, and objects of a live cluster. */
export type ManifestReceiver = Pick<
  ManifestCollector,
  'takeText' | 'takeError' | 'takeDocument' | 'takeUnbuilt' | 'takeSkipped'
>;

/** @throws InputError when a path, a kustomization or the API server cannot be read at all. */
export async function readManifestInput(into: ManifestReceiver, input: ManifestInput): Promise<void> {
  for (const path of input.paths)
    if (path === '-') takeDecoded(into, await decoded(input.stdin, '<stdin>'), { name: '<stdin>' });
    else await takePath(into, path, input.withProgress);
  for (const directory of input.kustomizations) into.takeText(await kustomized(directory), directory);
  if (input.liveCluster !== undefined) await takeCluster(into, input.liveCluster);
}

const filesAhead = 8;

async function takePath(
  into: ManifestReceiver,
  path: string,
  withProgress: ManifestInput['withProgress'],
): Promise<void> {
  // A path that was given must be readable; a file below a directory that is not readable is skipped with a message.
  const unread = (name: string, error: unknown): void => into.takeError({ file: name, message: reasonOf(error) });
  try {
    const files = await filesOf(into, path, unread);
    const read = (name: string): Promise<Decoded | undefined> =>
      readManifestText(name).catch((error: unknown) => {
        if (name === path) throw error;
        unread(name, error);
        return undefined;
      });
    // Some files are read ahead: otherwise half of the time is spent waiting for the next one.
    const ahead = files.slice(0, filesAhead).map(read);
    const chart = chartsIn(files);
    for (const [index, name] of withProgress(`reading ${path}`, [...files.entries()])) {
      const content = await ahead[index % filesAhead];
      const next = files[index + filesAhead];
      if (next !== undefined) ahead[index % filesAhead] = read(next);
      takeDecoded(into, content, { name, ...chart(name) });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError(`${path}: ${reasonOf(error)}`);
  }
}

/** The files of a path that are manifests by themselves; what is left out below a directory is reported. */
async function filesOf(
  into: ManifestReceiver,
  path: string,
  unread: (name: string, error: unknown) => void,
): Promise<readonly string[]> {
  const all = await manifestsAt(path, unread);
  if (all[0] === path) return all;
  if (all.length === 0 && (await hiddenIn(path)))
    into.takeSkipped(path, `${path}: no manifests but in what begins with a dot, which is skipped`);
  const { fragments, folders } = await kustomizedIn(all);
  const hint = buildHint(folders);
  const left = [...fragments].filter((file) => !isKustomization(file)).length;
  if (left > 0)
    into.takeUnbuilt(
      `${path}: ${left} ${left === 1 ? 'file is' : 'files are'} not read, which kustomizations name as patches, bases or components: ${hint}`,
    );
  else if (folders.length > 0) into.takeSkipped(path, `${path}: has a kustomization: ${hint} reads what is applied`);
  return all.filter((file) => !fragments.has(file) && !isKustomization(file));
}

function takeDecoded(
  into: ManifestReceiver,
  read: Decoded | undefined,
  { name, ...origin }: TextOrigin & { readonly name: string },
): void {
  if (read?.ok === true) into.takeText(read.text, name, origin);
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

/** Objects as the API server lists them. The client is large, so it is loaded only when it is needed. */
async function takeCluster(into: ManifestReceiver, connection: ConnectionChoice): Promise<void> {
  const { listObjects } = await import('./api-server/list-objects.js');
  const { objects, server } = await listObjects(connection, AbortSignal.timeout(60_000));
  for (const object of objects) into.takeDocument(documentWithoutText(server, object));
}
