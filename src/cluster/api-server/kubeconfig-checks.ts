/** What kubectl refuses in the cluster and the user of a context, and what we cannot do; each by its field. */
import { accessSync, constants } from 'node:fs';
import type { RawCluster, RawExec, RawUser } from './kubeconfig-files.js';

const proxySchemes = ['http:', 'https:', 'socks5:'];
const execVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;

/** Undefined: usable. */
export function clusterProblem(cluster: RawCluster): string | undefined {
  const { server = '', 'proxy-url': proxy = '', 'insecure-skip-tls-verify': insecure = false } = cluster;
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    return `server ${JSON.stringify(server)} is not an http(s) address`;
  if (proxy !== '' && !URL.canParse(proxy)) return `proxy-url ${JSON.stringify(proxy)} is not an address`;
  if (proxy !== '' && !proxySchemes.includes(new URL(proxy).protocol))
    return `proxy-url ${JSON.stringify(proxy)}: the scheme must be http, https or socks5`;
  if (typeof insecure !== 'boolean') return 'insecure-skip-tls-verify must be true or false';
  const { 'certificate-authority': file, 'certificate-authority-data': data } = cluster;
  if (insecure && (file || data)) return 'insecure-skip-tls-verify and a certificate authority exclude each other';
  return pairProblem('certificate-authority', file, data);
}

export function userProblem(user: RawUser): string | undefined {
  const { 'client-certificate': cert, 'client-certificate-data': certData } = user;
  const { 'client-key': key, 'client-key-data': keyData, exec, 'auth-provider': provider } = user;
  const ways = [
    ...(user.token || user.tokenFile ? ['token'] : []),
    ...(user.username || user.password ? ['username'] : []),
    ...(cert || certData ? ['client-certificate'] : []),
  ];
  if (ways.length > 1) return `${ways.join(' and ')} exclude each other`;
  if ((cert || certData) && !key && !keyData) return 'client-certificate needs client-key or client-key-data';
  const impersonated = (['as-uid', 'as-groups', 'as-user-extra'] as const).find((field) => user[field] !== undefined);
  if (impersonated !== undefined && !user.as) return `${impersonated} needs as`;
  if (exec && provider) return 'exec and auth-provider exclude each other';
  return (
    pairProblem('client-certificate', cert, certData) ??
    pairProblem('client-key', key, keyData) ??
    (exec ? execProblem(exec) : provider && providerProblem(provider))
  );
}

function execProblem(exec: RawExec): string | undefined {
  const { apiVersion, command, env, interactiveMode } = exec;
  if (!command) return 'exec.command is missing';
  if (!execVersions.some((one) => one === apiVersion))
    return `exec.apiVersion ${JSON.stringify(apiVersion)}: must be ${execVersions.join(' or ')}`;
  if (env?.some(({ name }) => !name)) return 'exec.env: a variable without a name';
  switch (interactiveMode ?? (apiVersion?.endsWith('v1beta1') ? 'IfAvailable' : undefined)) {
    case 'Never':
    case 'IfAvailable':
      return undefined;
    case 'Always':
      return 'exec.interactiveMode: Always: nobody is asked anything here; use another user, or a plugin that needs no terminal';
    default:
      return 'exec.interactiveMode must be Never, IfAvailable or Always';
  }
}

function providerProblem({ name = '', config = {} }: NonNullable<RawUser['auth-provider']>): string | undefined {
  if (name === 'oidc')
    return config['id-token'] ? undefined : 'auth-provider oidc has no id-token: log in with kubectl';
  return `auth-provider ${JSON.stringify(name)} is no longer there, in kubectl neither: use an exec plugin`;
}

function pairProblem(field: string, file: string | undefined, data: string | undefined): string | undefined {
  if (file && data) return `${field} and ${field}-data exclude each other`;
  if (data && !Buffer.from(data, 'base64').includes('-----BEGIN')) return `${field}-data is not PEM in base64`;
  if (!file) return undefined;
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch {
    return `${field} cannot be read: ${file}`;
  }
}
