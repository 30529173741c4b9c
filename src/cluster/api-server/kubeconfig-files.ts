/** Kubeconfig files as kubectl reads and merges them: what they say, and where. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../../generic/message-of.js';

export interface RawCluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
  readonly extensions?: readonly { readonly name?: string; readonly extension?: unknown }[];
}

/** A program that prints an ExecCredential. */
export interface RawExec {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name?: string; readonly value?: string }[] | null;
  readonly installHint?: string;
  readonly interactiveMode?: string;
  readonly provideClusterInfo?: boolean;
}

export interface RawUser {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly 'as-user-extra'?: Readonly<Record<string, readonly string[]>>;
  readonly exec?: RawExec;
  readonly 'auth-provider'?: { readonly name?: string; readonly config?: Readonly<Record<string, string>> };
}

interface RawContext {
  readonly cluster?: string;
  readonly user?: string;
}

/** What a file says under a name. */
export interface Entry<T> {
  readonly value: T;
  readonly file: string;
}

export interface MergedConfig {
  readonly clusters: ReadonlyMap<string, Entry<RawCluster>>;
  readonly users: ReadonlyMap<string, Entry<RawUser>>;
  readonly contexts: ReadonlyMap<string, Entry<RawContext>>;
  readonly currentContext: string;
}

/** Fields that name a file, relative to the one that they stand in. */
const pathFields = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'] as const;

/**
 * Of several files the first counts: for each name, and for the current context. One that is not there is passed over.
 * @throws Error naming the file, when it cannot be read, or none is there
 */
export function readFiles(files: readonly string[]): MergedConfig {
  const present = files.filter((file) => existsSync(file));
  if (present.length === 0) throw new Error(`no file of KUBECONFIG exists: ${files.join(', ')}`);
  return present.map(readFile).reduce((first, other) => ({
    clusters: new Map([...other.clusters, ...first.clusters]),
    users: new Map([...other.users, ...first.users]),
    contexts: new Map([...other.contexts, ...first.contexts]),
    currentContext: first.currentContext || other.currentContext,
  }));
}

/** @throws Error naming the file */
export function readFile(file: string): MergedConfig {
  try {
    const raw: unknown = parse(readFileSync(file, 'utf8')) ?? {};
    if (!isMapping(raw)) throw new Error('is not a kubeconfig');
    const kind = raw['kind'] ?? 'Config';
    if (kind !== 'Config') throw new Error(`kind: ${JSON.stringify(kind)} is no kubeconfig`);
    return {
      clusters: entries(raw, ['clusters', 'cluster'], file),
      users: entries(raw, ['users', 'user'], file),
      contexts: entries(raw, ['contexts', 'context'], file),
      currentContext: typeof raw['current-context'] === 'string' ? raw['current-context'] : '',
    };
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
  }
}

function entries<T>(raw: Fields, [list, field]: readonly [string, string], file: string): Map<string, Entry<T>> {
  const found = new Map<string, Entry<T>>();
  const listed = raw[list] ?? [];
  if (!Array.isArray(listed)) throw new Error(`${list}: must be a list`);
  listed.forEach((one: unknown, index) => {
    if (!isMapping(one) || typeof one['name'] !== 'string') throw new Error(`${list}[${index}].name: must be a string`);
    const value = one[field] ?? {};
    if (!isMapping(value)) throw new Error(`${list}[${index}].${field}: must be a mapping`);
    if (found.has(one['name'])) throw new Error(`${list}: the name ${one['name']} appears twice`);
    found.set(one['name'], { value: withAbsolutePaths(value, dirname(file)) as T, file });
  });
  return found;
}

function withAbsolutePaths(value: Fields, folder: string): Fields {
  const paths = pathFields.flatMap((field) => {
    const path = value[field];
    return typeof path === 'string' && path !== '' ? [[field, resolve(folder, path)] as const] : [];
  });
  const exec = value['exec'];
  // A bare name is looked up in PATH.
  if (isMapping(exec) && typeof exec['command'] === 'string' && exec['command'].includes('/'))
    return { ...value, ...Object.fromEntries(paths), exec: { ...exec, command: resolve(folder, exec['command']) } };
  return { ...value, ...Object.fromEntries(paths) };
}

type Fields = Readonly<Record<string, unknown>>;
const isMapping = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
