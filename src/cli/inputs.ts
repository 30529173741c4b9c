/** What commands for people read: policies, workloads as pods, namespaces; from files, directories and stdin. */
import { readFile, stat } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { scanTree } from '../cluster/manifest-tree.js';
import { InputError } from '../cluster/types.js';
import { readDocuments, type ManifestDocument } from '../manifests/documents.js';
import { isWorkload, podOf } from '../manifests/workloads.js';
import type { WorkloadPod } from '../analysis/workloads.js';
import type { Cidr } from '../model/address.js';
import { formatPath, type Diagnostic, type Parsed } from '../model/diagnostic.js';
import {
  impliedNamespace,
  parseIdentity,
  parseNamespace,
  parseNetworkPolicy,
  parseNode,
  parsePod,
} from '../model/parse.js';
import type { Namespace } from '../model/pod.js';
import { policyKey, type AnyPolicy } from '../model/policy.js';

export interface Inputs {
  readonly policies: readonly AnyPolicy[];
  readonly namespaces: readonly Namespace[];
  /** Named by an object only, so that its other labels are not known. */
  readonly implied: ReadonlySet<string>;
  readonly pods: readonly WorkloadPod[];
  readonly podCidrs: readonly Cidr[];
  /** Where each policy stands, by its key. */
  readonly places: ReadonlyMap<string, ManifestDocument>;
  /** Templates that are not YAML yet, one line each. */
  readonly skipped: readonly string[];
  /** What could not be read, one line each. */
  readonly unparsed: readonly string[];
  /** What was read and is wrong, one line each. */
  readonly problems: readonly string[];
}

export interface InputFlags {
  readonly file: readonly string[];
  /** Namespace of objects that name none. */
  readonly namespace?: string;
}

/** @throws InputError when a path cannot be read at all. */
export async function readInputs({ file, namespace = 'default' }: InputFlags): Promise<Inputs> {
  if (file.length === 0) throw new InputError('nothing to read: give -f FILE, -f DIR, or -f - for stdin');
  const collected = new Collected(namespace);
  for (const path of file) for (const one of await filesAt(path)) collected.take(one.text, one.name);
  return collected.inputs();
}

async function filesAt(path: string): Promise<{ readonly name: string; readonly text: string }[]> {
  if (path === '-') return [{ name: '<stdin>', text: await text(process.stdin) }];
  try {
    const names = (await stat(path)).isDirectory() ? [...(await scanTree(path)).files.keys()].sort() : [path];
    return await Promise.all(names.map(async (name) => ({ name, text: await readFile(name, 'utf8') })));
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
}

class Collected {
  readonly #namespace: string;
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #places = new Map<string, ManifestDocument>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #named = new Set<string>();
  readonly #pods: WorkloadPod[] = [];
  readonly #podCidrs: Cidr[] = [];
  readonly #skipped: string[] = [];
  readonly #unparsed: string[] = [];
  readonly #problems: string[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  take(content: string, name: string): void {
    const { documents, errors } = readDocuments(content, name);
    if (errors.length > 0 && content.includes('{{')) {
      this.#skipped.push(`${name}: a template, not YAML: render it first`);
      return;
    }
    for (const { line, column, message } of errors) this.#unparsed.push(`${name}:${line}:${column}: ${message}`);
    for (const document of documents) this.#document(document);
  }

  inputs(): Inputs {
    const implied = new Set([...this.#named].filter((name) => !this.#namespaces.has(name)));
    return {
      policies: [...this.#policies.values()],
      namespaces: [...this.#namespaces.values(), ...[...implied].map(impliedNamespace)],
      implied,
      pods: this.#pods,
      podCidrs: this.#podCidrs,
      places: this.#places,
      skipped: this.#skipped,
      unparsed: this.#unparsed,
      problems: this.#problems,
    };
  }

  #document(document: ManifestDocument): void {
    const identity = parseIdentity(document.object);
    if (!identity.ok) {
      this.#note(document, identity.diagnostics, this.#unparsed);
      return;
    }
    const { kind, apiVersion } = identity.value;
    if (kind === 'NetworkPolicy' && apiVersion.startsWith('networking.k8s.io/')) this.#policy(document);
    else if (kind === 'Namespace' && apiVersion === 'v1')
      this.#object(document, parseNamespace, (one) => void this.#namespaces.set(one.name, one));
    else if (kind === 'Node' && apiVersion === 'v1')
      this.#object(document, parseNode, (one) => void this.#podCidrs.push(...one.podCidrs));
    else if (isWorkload(kind)) this.#workload(document);
  }

  #policy(document: ManifestDocument): void {
    const parse = (object: unknown) => parseNetworkPolicy(this.#inNamespace(object), { strict: true });
    this.#object(document, parse, (policy) => {
      const key = policyKey(policy.ref);
      this.#named.add(policy.ref.namespace);
      this.#policies.set(key, policy);
      this.#places.set(key, document);
    });
  }

  #workload(document: ManifestDocument): void {
    const owned = podOf(document.object, this.#namespace);
    if (owned === undefined) return;
    this.#object(
      document,
      () => parsePod(owned.pod),
      (pod) => {
        this.#named.add(pod.ref.namespace);
        this.#pods.push({ owner: owned.owner, pod });
      },
    );
  }

  #object<T>(document: ManifestDocument, parse: (object: unknown) => Parsed<T>, keep: (value: T) => void): void {
    const parsed = parse(document.object);
    this.#note(document, parsed.diagnostics, parsed.ok ? this.#problems : this.#unparsed);
    if (parsed.ok) keep(parsed.value);
  }

  #note(document: ManifestDocument, diagnostics: readonly Diagnostic[], into: string[]): void {
    for (const { path, message } of diagnostics) {
      const { line, column } = document.position(path);
      const field = formatPath(path);
      into.push(`${document.file}:${line}:${column}: ${field === '' ? '' : `${field}: `}${message}`);
    }
  }

  #inNamespace(object: unknown): unknown {
    const { metadata, ...rest } = object as { metadata?: object };
    return { ...rest, metadata: { namespace: this.#namespace, ...metadata } };
  }
}
