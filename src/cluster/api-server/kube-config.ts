/** Loaded on demand: the official client is most of what a start costs. */
import { KubeConfig } from '@kubernetes/client-node';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { messageOf } from '../../generic/message-of.js';
import { InputError } from '../../generic/input-error.js';
import { clusterProblem, userProblem } from './kubeconfig-checks.js';
import {
  readFile,
  readFiles,
  type Entry,
  type MergedConfig,
  type RawCluster,
  type RawUser,
} from './kubeconfig-files.js';
import { UserCredentials } from './user-credentials.js';

export interface ConnectionChoice {
  /** Undefined: $KUBECONFIG or ~/.kube/config, inside a pod its service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface LoadedConfig {
  readonly config: KubeConfig;
  /** Address of the API server, without a slash at its end. */
  readonly server: string;
}

/**
 * As kubectl does it; kubeconfig.md beside this file says what differs.
 * @throws InputError when there is no configuration, or none of that name, or what it says cannot be done
 */
export function loadKubeConfig({ kubeconfig, context }: ConnectionChoice): LoadedConfig {
  const merged = filesOf(kubeconfig);
  if (merged === undefined) return withoutFile();
  const of = kubeconfig ?? 'kubeconfig';
  const known = [...merged.contexts.keys()].join(', ');
  if (context !== undefined && !merged.contexts.has(context))
    throw new InputError(`no context ${context}; there are: ${known || 'none'}`);
  const name = context ?? merged.currentContext;
  if (name === '')
    throw new InputError(
      `${of}: ${known === '' ? 'there is no context' : `no current-context; --context chooses: ${known}`}`,
    );
  const chosen = merged.contexts.get(name);
  if (chosen === undefined)
    throw new InputError(`${of}: current-context ${name} is not among its contexts: ${known || 'none'}`);
  const { cluster: clusterName = '', user: userName = '' } = chosen.value;
  const cluster = merged.clusters.get(clusterName);
  if (cluster === undefined)
    throw new InputError(`${chosen.file}: context ${name} names cluster ${clusterName}, which does not exist`);
  const user = merged.users.get(userName);
  // A context without a user comes as nobody, by will.
  if (user === undefined && userName !== '')
    throw new InputError(`${chosen.file}: context ${name} names user ${userName}, which does not exist`);
  refuse(cluster, `cluster ${clusterName}`, clusterProblem);
  if (user !== undefined) refuse(user, `user ${userName}`, userProblem);
  return configOf(cluster.value, user?.value ?? {});
}

/** Undefined: there is no file. */
function filesOf(kubeconfig: string | undefined): MergedConfig | undefined {
  const { KUBECONFIG = '', HOME = '' } = process.env;
  const files = KUBECONFIG.split(delimiter).filter((file) => file !== '');
  const own = join(HOME, '.kube', 'config');
  try {
    if (kubeconfig !== undefined) return readFile(kubeconfig);
    if (files.length > 0) return readFiles(files);
    return HOME !== '' && existsSync(own) ? readFile(own) : undefined;
  } catch (error) {
    throw new InputError(kubeconfig === undefined ? `kubeconfig: ${messageOf(error)}` : messageOf(error));
  }
}

function refuse<T>({ value, file }: Entry<T>, what: string, problemOf: (value: T) => string | undefined): void {
  const problem = problemOf(value);
  if (problem !== undefined) throw new InputError(`${file}: ${what}: ${problem}`);
}

/** The service account of a pod; $KUBERNETES_MASTER, as kubectl has it. */
function withoutFile(): LoadedConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  const server = config.getCurrentCluster()?.server ?? '';
  if (server !== 'http://localhost:8080') return { config, server };
  const { KUBERNETES_MASTER: master = '' } = process.env;
  if (master !== '') return configOf({ server: master }, {});
  // What the client assumes when there is nothing to load.
  throw new InputError(
    'no cluster: give --kubeconfig (the agent: or --manifests), set KUBECONFIG, or run inside a pod',
  );
}

function configOf(cluster: RawCluster, user: RawUser): LoadedConfig {
  const server = (cluster.server ?? '').replace(/\/+$/, '');
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [
      {
        name: 'cluster',
        server,
        caFile: cluster['certificate-authority'],
        caData: cluster['certificate-authority-data'],
        // Without TLS there is nothing to verify, and kubectl asks for no such word (`kubectl proxy`).
        skipTLSVerify: cluster['insecure-skip-tls-verify'] === true || server.startsWith('http:'),
        tlsServerName: cluster['tls-server-name'],
        proxyUrl: cluster['proxy-url'],
      },
    ],
    // Also where nobody is named: the client looks at a certificate authority only for somebody.
    users: [
      {
        name: 'user',
        username: user.username,
        password: user.password,
        certFile: user['client-certificate'],
        certData: user['client-certificate-data'],
        keyFile: user['client-key'],
        keyData: user['client-key-data'],
      },
    ],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  });
  config.addAuthenticator(new UserCredentials(user, cluster));
  return { config, server };
}
