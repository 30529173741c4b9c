import { DirectorySource } from '../../cluster/directory.js';
import { ApiServerSource } from '../../cluster/api-server/api-server-source.js';
import { InputError } from '../../generic/input-error.js';
import type { ClusterSource } from '../../cluster/types.js';
import type { ConnectionChoice } from '../../cluster/api-server/kube-config.js';
import { choiceOf } from '../common/options.js';

export interface SourceFlags extends ConnectionChoice {
  readonly node: string;
  readonly manifests?: string;
}

interface SourceLog {
  debug(message: string): void;
  error(message: string): void;
}

/** Where the cluster comes from: a directory, or the API server of a kubeconfig or of the cluster that we run in. */
export function sourceOf(flags: SourceFlags, log: SourceLog): ClusterSource {
  const listeners = {
    onDebug: (message: string) => log.debug(message),
    onError: (message: string) => log.error(message),
  };
  const { manifests, kubeconfig, context } = flags;
  if (manifests === undefined) return new ApiServerSource({ ...listeners, ...choiceOf(flags), node: flags.node });
  if (kubeconfig !== undefined || context !== undefined)
    throw new InputError('--manifests reads a directory; --kubeconfig and --context are for an API server');
  return new DirectorySource({ directory: manifests, ...listeners });
}
