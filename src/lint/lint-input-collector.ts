/** Gathers what lint looks at: every object with its text, and what the rules ask of them together. */
import type { SourcePosition } from './finding.js';
import type { LeftOut, LeftOutOptions } from '../manifests/left-out.js';
import { ManifestCollector, isTemplate, type TextOrigin } from '../manifests/manifest-collector.js';
import { readDocuments, type ManifestDocument } from '../manifests/documents.js';
import { findKind } from '../model/kind-lookup.js';
import { checkClusterNetworkPolicy, isClusterNetworkPolicy, isMapping } from '../model/parse.js';
import { visible } from '../model/visible.js';
import { makeLintInput } from './lint-input.js';
import { isPolicyObject } from './queries.js';
import type { CheckedObject, LintObject, PolicyObject } from './objects.js';
import type { LintInput } from './types.js';

export interface LoadedLintInput extends LeftOut {
  readonly input: LintInput;
}

interface LintInputOptions extends LeftOutOptions {
  readonly strict: boolean;
  /** Of objects that name none. */
  readonly defaultNamespace: string;
}

export class LintInputCollector {
  readonly #options: LintInputOptions;
  /** Takes what is read beside policies, and what cannot be read. */
  readonly manifests: ManifestCollector;
  readonly #objects: LintObject[] = [];
  readonly #duplicateKeys: SourcePosition[] = [];

  constructor(options: LintInputOptions) {
    this.#options = options;
    this.manifests = new ManifestCollector({ ...options, unnamedPorts: true });
  }

  takeText(text: string, name: string, origin: TextOrigin = {}): void {
    const { documents, errors } = readDocuments(text, name, { duplicateKeys: 'tolerated' });
    const unread = errors.filter(({ isDuplicateKey }) => !isDuplicateKey);
    if (isTemplate(text, unread)) this.manifests.takeTemplate(text, name, origin);
    else for (const error of unread) this.manifests.takeError(error);
    this.#duplicateKeys.push(...errors.filter(({ isDuplicateKey }) => isDuplicateKey));
    for (const document of documents) this.takeDocument(document);
  }

  takeUnbuilt(line: string): void {
    this.manifests.takeUnbuilt(line);
  }

  takeSkipped(path: string, line: string): void {
    this.manifests.takeSkipped(path, line);
  }

  takeError(error: Parameters<ManifestCollector['takeError']>[0]): void {
    this.manifests.takeError(error);
  }

  takeDocument(document: ManifestDocument): void {
    const object = lintObject(document, this.#options.defaultNamespace);
    if (object !== undefined) this.#objects.push(object);
    // What is wrong with a policy is a finding here, and no reason to call the input partial.
    if (object === undefined || !isPolicyObject(object)) this.manifests.takeDocument(document);
  }

  /** @param closed the input is the whole cluster */
  input(closed: boolean): LoadedLintInput {
    const { strict } = this.#options;
    const { pods, namespaces, implied, services, nodes, podCidrs, ...read } = this.manifests.objects();
    const policies = this.#objects.flatMap((object) => policyObject(object, strict) ?? []);
    const known = new Set(namespaces.map(({ name }) => name));
    const named = policies.map(({ namespace }) => namespace).filter((name) => !known.has(name));
    const input = makeLintInput({
      objects: this.#objects,
      policies,
      clusterPolicies: this.#objects.flatMap((object) => clusterPolicyObject(object, strict) ?? []),
      namespaceObjects: this.#objects.flatMap((object) => namespaceObject(object, strict) ?? []),
      workloads: pods,
      namespaces,
      implied: new Set([...implied, ...named]),
      services,
      nodes,
      podCidrs,
      duplicateKeys: this.#duplicateKeys,
      closed,
    });
    const { skipped, unparsed, unbuilt } = read;
    return { input, skipped, unparsed, unbuilt };
  }
}

function lintObject(document: ManifestDocument, defaultNamespace: string): LintObject | undefined {
  const { object } = document;
  if (!isMapping(object)) return undefined;
  const { kind, apiVersion } = object;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return undefined;
  const metadata = isMapping(object['metadata']) ? object['metadata'] : {};
  const text = (value: unknown): string => (typeof value === 'string' ? visible(value) : '');
  const found = findKind(apiVersion, kind);
  return {
    document,
    kind: visible(kind),
    apiVersion: visible(apiVersion),
    ...(found === undefined ? {} : { found }),
    fields: object,
    namespace: text(metadata['namespace']) || defaultNamespace,
    name: text(metadata['name']),
  };
}

function policyObject(object: LintObject, strict: boolean): PolicyObject | undefined {
  if (object.found?.as !== 'read' || object.found.kind.changeKind !== 'policy') return undefined;
  const metadata = isMapping(object.fields['metadata']) ? object.fields['metadata'] : {};
  const named = { ...object.fields, metadata: { namespace: object.namespace, ...metadata } };
  const { parse } = object.found.kind;
  const parsed = parse(named, { strict });
  const policy = parsed.ok && parsed.value.kind === 'policy' ? parsed.value.policy : undefined;
  return { ...object, policy, diagnostics: parsed.diagnostics };
}

function clusterPolicyObject(object: LintObject, strict: boolean): CheckedObject | undefined {
  if (!isClusterNetworkPolicy(object.fields)) return undefined;
  const diagnostics = checkClusterNetworkPolicy(object.fields, { strict });
  return diagnostics && { ...object, diagnostics };
}

function namespaceObject(object: LintObject, strict: boolean): CheckedObject | undefined {
  if (object.found?.as !== 'read' || object.found.kind.changeKind !== 'namespace') return undefined;
  const { diagnostics } = object.found.kind.parse(object.fields, { strict });
  return { ...object, diagnostics };
}
