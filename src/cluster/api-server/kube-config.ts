/** Loaded on demand: the official client is most of what a start costs. */
import { KubeConfig } from '@kubernetes/client-node';
import { existsSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../../generic/message-of.js';
import { InputError } from '../../generic/input-error.js';

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

/** @throws InputError when there is no configuration, or none of that name. */
export function loadKubeConfig({ kubeconfig, context }: ConnectionChoice): LoadedConfig {
  const config = new TokenFileConfig();
  try {
    const files = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
    else if (files.length > 0) loadFiles(config, files);
    else config.loadFromDefault();
  } catch (error) {
    throw new InputError(`${kubeconfig ?? 'kubeconfig'}: ${messageOf(error)}`);
  }
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context))
      throw new InputError(`no context ${context}; there are: ${known.join(', ') || 'none'}`);
    config.setCurrentContext(context);
  }
  const server = config.getCurrentCluster()?.server;
  // What the client assumes when there is nothing to load.
  if (kubeconfig === undefined && server === 'http://localhost:8080')
    throw new InputError(
      'no cluster: give --kubeconfig (the agent: or --manifests), set KUBECONFIG, or run inside a pod',
    );
  // Without TLS there is nothing to verify, and kubectl asks for no such word (`kubectl proxy`).
  config.clusters = config.clusters.map((one) =>
    one.server.startsWith('http:') ? { ...one, skipTLSVerify: true } : one,
  );
  const problem = problemOf(config);
  if (problem !== undefined) throw new InputError(`${kubeconfig ?? 'kubeconfig'}: ${problem}`);
  return { config, server: (server ?? '').replace(/\/$/, '') };
}

/**
 * As kubectl reads the files of KUBECONFIG: one that is not there is passed over, and the first word counts.
 * @throws Error when none is there
 */
function loadFiles(config: KubeConfig, files: readonly string[]): void {
  const [first, ...others] = files.filter((file) => existsSync(file));
  if (first === undefined) throw new Error(`no file of KUBECONFIG exists: ${files.join(', ')}`);
  config.loadFromFile(first);
  for (const file of others) {
    const other = new TokenFileConfig();
    other.loadFromFile(file);
    config.clusters = withMissing(config.clusters, other.clusters);
    config.users = withMissing(config.users, other.users);
    config.contexts = withMissing(config.contexts, other.contexts);
    config.currentContext ||= other.currentContext;
  }
}

function withMissing<T extends { readonly name: string }>(own: readonly T[], others: readonly T[]): T[] {
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...others.filter(({ name }) => !names.has(name))];
}

/** What the client would find out with its first request, or never: whom it does not know it takes for nobody. */
function problemOf(config: KubeConfig): string | undefined {
  const name = config.getCurrentContext() as string | undefined;
  const contexts = config.getContexts().map((context) => context.name);
  if (name === undefined || name === '')
    return contexts.length === 0
      ? 'there is no context'
      : `no current-context; --context chooses: ${contexts.join(', ')}`;
  const context = config.getContextObject(name);
  if (context === null) return `current-context ${name} is not among its contexts: ${contexts.join(', ') || 'none'}`;
  const cluster = config.getCurrentCluster();
  if (cluster === null) return `context ${name} names cluster ${context.cluster}, which does not exist`;
  if (!URL.canParse(cluster.server) || !/^https?:$/.test(new URL(cluster.server).protocol))
    return `cluster ${context.cluster}: server ${JSON.stringify(cluster.server)} is not an http(s) address`;
  if (cluster.proxyUrl && !URL.canParse(cluster.proxyUrl))
    return `cluster ${context.cluster}: proxy-url ${JSON.stringify(cluster.proxyUrl)} is not an address`;
  // A context without a user comes as nobody, by will.
  if (context.user && config.getCurrentUser() === null)
    return `context ${name} names user ${context.user}, which does not exist`;
  return undefined;
}

interface RawConfig {
  readonly users?: readonly { readonly user?: Record<string, unknown> }[];
}

/** kubectl's `tokenFile` of a user, which the client passes over in silence: it would come as nobody. */
class TokenFileConfig extends KubeConfig {
  #folder = '';

  override loadFromFile(...[file, options]: Parameters<KubeConfig['loadFromFile']>): void {
    this.#folder = dirname(file);
    super.loadFromFile(file, options);
  }

  override loadFromString(...[text, options]: Parameters<KubeConfig['loadFromString']>): void {
    super.loadFromString(text.includes('tokenFile') ? this.#rewritten(text) : text, options);
  }

  /** As the service account of a pod is written, whose file the client reads again and again. */
  #rewritten(text: string): string {
    const raw = parse(text) as RawConfig | null;
    for (const { user } of raw?.users ?? []) {
      if (typeof user?.['tokenFile'] !== 'string') continue;
      const tokenFile = resolve(this.#folder, user['tokenFile']);
      user['auth-provider'] = { name: 'tokenFile', config: { tokenFile } };
      // The file goes before it.
      delete user['token'];
    }
    return JSON.stringify(raw);
  }
}
