/** What commands for people read, as their flags name it. */
import { InputError } from '../../generic/input-error.js';
import { readManifestInput, type ManifestReceiver } from '../../cluster/manifest-input.js';
import { documentWithoutText, type ManifestDocument } from '../../manifests/documents.js';
import { ManifestCollector, type ManifestObjects } from '../../manifests/manifest-collector.js';
import { wellKnownObjects, wellKnownWorkloads } from '../../manifests/well-known-workloads.js';
import { UsageError } from '../common/exit-codes.js';
import { choiceOf } from '../common/options.js';
import { withProgress } from '../common/progress.js';

export interface InputFlags {
  readonly file: readonly string[];
  readonly kustomize?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Each file that holds nothing is named. */
  readonly verbose?: boolean;
  /** Of manifests that name none. */
  readonly namespace?: string;
  /** Well-known workloads that an application's repository does not contain. */
  readonly assume?: readonly string[];
}

export const isLive = ({ kubeconfig, context }: Pick<InputFlags, 'kubeconfig' | 'context'>): boolean =>
  kubeconfig !== undefined || context !== undefined;

/** @throws InputError when a path, a kustomization or the API server cannot be read at all. */
export async function readInputs(flags: InputFlags): Promise<ManifestObjects> {
  const collector = new ManifestCollector({
    strict: !isLive(flags),
    verbose: flags.verbose === true,
    ...(flags.namespace === undefined ? {} : { defaultNamespace: flags.namespace }),
  });
  await readInto(collector, flags);
  for (const document of wellKnownDocuments(flags, collector)) collector.takeDocument(document);
  return collector.objects();
}

/** The objects of --assume that the input does not have. */
export function wellKnownDocuments(
  { assume = [] }: InputFlags,
  collector: ManifestCollector,
): readonly ManifestDocument[] {
  return assume.flatMap((name) => {
    const objects = wellKnownObjects(name);
    if (objects === undefined) throw new UsageError(`--assume ${name}: there are ${wellKnownWorkloads.join(', ')}`);
    return objects
      .filter((object) => !collector.has(object))
      .map((object) => documentWithoutText(`--assume ${name}`, object));
  });
}

/** @throws InputError as {@link readInputs} */
export async function readInto(into: ManifestReceiver, flags: InputFlags): Promise<void> {
  const { file, kustomize = [] } = flags;
  if (file.length + kustomize.length === 0 && !isLive(flags))
    throw new InputError(
      'nothing to read: give -f FILE, -f DIR, -f - for stdin, -k DIR, or --kubeconfig or --context for a live cluster',
    );
  if (file.length + kustomize.length > 0 && isLive(flags))
    throw new InputError('-f and -k read files; --kubeconfig and --context read a live cluster: give one of them');
  await readManifestInput(into, {
    paths: file,
    kustomizations: kustomize,
    ...(isLive(flags) ? { liveCluster: choiceOf(flags) } : {}),
    stdin: process.stdin,
    withProgress,
  });
}
