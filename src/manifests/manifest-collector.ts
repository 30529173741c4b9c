import { isDeepStrictEqual } from 'node:util';
import { ownerKey, type WorkloadPod } from '../model/workload.js';
import { readDocuments, type ManifestDocument, type ManifestError, type Position } from './documents.js';
import { readWorkload, templatePath, topmostOwner, type WorkloadObject } from './workloads.js';
import type { ClusterObjects } from '../model/cluster-objects.js';
import { formatPath, type Diagnostic, type Parsed } from '../model/diagnostic.js';
import { findKind, readKind, whyNotRead } from '../model/kind-lookup.js';
import type { ObjectKind, ParsedObject } from '../model/kinds.js';
import { impliedNamespace, isMapping, type PodOptions } from '../model/parse.js';
import { objectKey, type Namespace, type Node, type Pod } from '../model/pod.js';
import { policyKey, type AnyPolicy, type PolicyRef } from '../model/policy.js';
import { visible } from '../model/visible.js';
import type { Service } from '../model/service.js';
import { parseWorkload } from './checked-workload.js';
import { isMeantAsObject, LeftOutCollector, type LeftOut, type LeftOutOptions } from './left-out.js';
import type { WellKnownObject } from './well-known-workloads.js';

export interface ManifestObjects extends ClusterObjects, LeftOut {
  /** The document of each policy, by the policy's key. */
  readonly policyDocuments: ReadonlyMap<string, ManifestDocument>;
  /** What was read and is wrong, one line each. */
  readonly problems: readonly string[];
}

/** What could not be read, and why; a file that cannot be read at all has no position. */
type Unread = Pick<ManifestError, 'file' | 'message'> & Partial<Position>;

export const unreadText = ({ file, line, column, message }: Unread): string =>
  `${[visible(file), line, column].filter((part) => part !== undefined).join(':')}: ${message}`;

interface CollectorOptions extends PodOptions, LeftOutOptions {
  readonly strict: boolean;
  /** Of objects that name none, as `kubectl apply -n` gives it to them. */
  readonly defaultNamespace?: string;
}

/** Where a text comes from. */
export interface TextOrigin {
  /** The folder of the Helm chart that its file is in. */
  readonly chart?: string;
}

/** Gathers what the documents of an input hold. */
export class ManifestCollector {
  /** The API server prunes what it does not know: there an unknown field is a newer API's, and no typo. */
  readonly #strict: boolean;
  readonly #podOptions: PodOptions;
  readonly #defaultNamespace: string | undefined;
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #policyDocuments = new Map<string, ManifestDocument>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #named = new Set<string>();
  readonly #nodes = new Map<string, Node>();
  readonly #services = new Map<string, Service>();
  readonly #workloads = new Map<string, WorkloadObject>();
  readonly #pods = new Map<string, Pod>();
  readonly #leftOut: LeftOutCollector;
  readonly #problems: string[] = [];

  constructor({ strict, defaultNamespace, ...options }: CollectorOptions) {
    this.#defaultNamespace = defaultNamespace;
    this.#strict = strict;
    this.#podOptions = options;
    this.#leftOut = new LeftOutCollector(options);
  }

  takeText(content: string, name: string, origin: TextOrigin = {}): void {
    const { documents, errors } = readDocuments(content, name);
    if (isTemplate(content, errors)) this.takeTemplate(content, name, origin);
    else for (const error of errors) this.takeError(error);
    for (const document of documents) this.takeDocument(document);
  }

  /** A template's documents may be YAML by themselves; the template is reported, not their errors. */
  takeTemplate(content: string, name: string, { chart }: TextOrigin): void {
    this.#leftOut.template(content, name, chart);
  }

  /** What kustomize must build first, in one line. */
  takeUnbuilt(line: string): void {
    this.#leftOut.unbuilt(line);
  }

  /** What is left out of a path, in one line. */
  takeSkipped(path: string, line: string): void {
    this.#leftOut.skip(path, line);
  }

  takeError(error: Unread): void {
    this.#leftOut.refuse(error.file, unreadText(error));
  }

  takeDocument(document: ManifestDocument): void {
    const fields = isMapping(document.object) ? document.object : {};
    const { kind, apiVersion } = fields;
    const { file } = document;
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      const line = `${positionText(document, [])}: not a Kubernetes object: it has no kind and apiVersion`;
      if (isMeantAsObject(fields)) this.#leftOut.refuse(file, `${line} as the API server reads them`);
      else this.#leftOut.noObject(file, line);
    } else if (apiVersion === 'v1' && kind === 'List')
      this.#leftOut.refuse(file, `${positionText(document, ['items'])}: items: must be a list`);
    else {
      const found = findKind(apiVersion, kind);
      const custom = found?.as === 'read' ? undefined : templatePath(document.object);
      if (custom !== undefined) this.#takeWorkload(this.#inNamespace(document, fields, {}), custom);
      else if (found?.as === 'read') this.#takeObject(this.#inNamespace(document, fields, found.kind), found.kind);
      else if (found !== undefined) {
        const line = `${positionText(document, ['apiVersion'])}: ${whyNotRead(found, visible(apiVersion))}`;
        if (found.as === 'otherGroup') this.#leftOut.skip(file, line);
        else this.#leftOut.refuse(file, line);
      }
    }
  }

  #inNamespace(
    document: ManifestDocument,
    fields: Readonly<Record<string, unknown>>,
    kind: Pick<ObjectKind, 'clusterScoped'>,
  ): ManifestDocument {
    const namespace = this.#defaultNamespace;
    const metadata = fields['metadata'] ?? {};
    if (namespace === undefined || kind.clusterScoped === true || !isMapping(metadata)) return document;
    const own = metadata['namespace'] ?? '';
    return own === '' ? { ...document, object: { ...fields, metadata: { ...metadata, namespace } } } : document;
  }

  /** Whether the input has a workload or a namespace of that name. */
  has(object: WellKnownObject): boolean {
    if (readKind(object.apiVersion, object.kind)?.changeKind === 'namespace')
      return this.#namespaces.has(object.metadata.name);
    const workload = readWorkload(object);
    return workload !== undefined && this.#workloads.has(ownerKey(workload.self));
  }

  objects(): ManifestObjects {
    const implied = new Set([...this.#named].filter((name) => !this.#namespaces.has(name)));
    const nodes = [...this.#nodes.values()];
    return {
      policies: [...this.#policies.values()],
      namespaces: [...this.#namespaces.values(), ...[...implied].map(impliedNamespace)],
      implied,
      pods: [...this.#pods].map(([key, pod]) => this.#owned(key, pod)),
      nodes,
      services: [...this.#services.values()],
      podCidrs: nodes.flatMap(({ podCidrs }) => podCidrs),
      policyDocuments: this.#policyDocuments,
      ...this.#leftOut.lines(),
      problems: this.#problems,
    };
  }

  #owned(key: string, pod: Pod): WorkloadPod {
    const workload = this.#workloads.get(key);
    if (workload === undefined) throw new Error(`${key} was not kept`);
    return { owner: topmostOwner(workload, this.#workloads), pod, isTemplate: workload.self.kind !== 'Pod' };
  }

  #takeObject(document: ManifestDocument, { parse, template }: ObjectKind): void {
    const strict = this.#strict;
    if (template !== undefined) this.#takeWorkload(document, template);
    else if (parse !== undefined)
      this.#parse(
        document,
        (object) => parse(object, { strict }),
        (value) => this.#keep(value, document),
      );
  }

  #takeWorkload(document: ManifestDocument, template: readonly string[]): void {
    const parse = (object: unknown) => parseWorkload(object, template, this.#podOptions);
    this.#parse(document, parse, ({ workload, pod }) => {
      const key = this.#newKey(document, ownerKey(workload.self));
      this.#named.add(workload.self.namespace);
      this.#workloads.set(key, workload);
      if (pod !== undefined) this.#pods.set(key, pod);
    });
  }

  /** The API server makes names of `generateName`, each another one; ours only has the part that they share. */
  #newKey({ object }: ManifestDocument, key: string): string {
    const metadata = isMapping(object) && isMapping(object['metadata']) ? object['metadata'] : {};
    if (metadata['name'] !== undefined || !this.#workloads.has(key)) return key;
    return `${key} ${this.#workloads.size}`;
  }

  #keep(value: ParsedObject, document: ManifestDocument): void {
    if (value.kind === 'service') this.#services.set(objectKey(value.service.ref), value.service);
    if (value.kind === 'namespace' && value.namespace !== undefined) this.#namespaces.set(value.name, value.namespace);
    if (value.kind === 'node' && value.node !== undefined) this.#nodes.set(value.name, value.node);
    if (value.kind !== 'policy' || value.policy === undefined) return;
    const key = policyKey(value.ref);
    const other = this.#policies.get(key);
    if (other !== undefined && !isDeepStrictEqual(other, value.policy)) {
      const first = this.#policyDocuments.get(key);
      const where = first === undefined ? '' : ` at ${positionText(first, [])}`;
      this.#leftOut.refuse(
        document.file,
        `${positionText(document, [])}: ${key} is another one${where}: remove one of them`,
      );
    }
    this.#named.add(value.ref.namespace);
    this.#policies.set(key, value.policy);
    this.#policyDocuments.set(key, document);
  }

  #parse<T>(document: ManifestDocument, parse: (object: unknown) => Parsed<T>, keep: (value: T) => void): void {
    const parsed = parse(document.object);
    for (const { path, at = path, message } of parsed.diagnostics) {
      const field = formatPath(path);
      const line = `${positionText(document, at)}: ${field === '' ? '' : `${field}: `}${message}`;
      if (parsed.ok) this.#problems.push(line);
      else this.#leftOut.refuse(document.file, line);
    }
    if (parsed.ok) keep(parsed.value);
  }
}

/** Helm's and Go's templates, as they are before anything renders them: what is no YAML and holds an action. */
export const isTemplate = (text: string, errors: readonly ManifestError[]): boolean =>
  errors.length > 0 && text.includes('{{');

/** `file:line:column` of a field. */
export function positionText(document: ManifestDocument, path: Diagnostic['path']): string {
  const { line, column } = document.position(path);
  const file = visible(document.file);
  return line === 0 ? file : `${file}:${line}:${column}`;
}

/** `file:line:column` of a policy's field; undefined for a policy that no document of the input holds. */
export const policyPositions =
  ({ policyDocuments }: Pick<ManifestObjects, 'policyDocuments'>) =>
  (policy: PolicyRef, path: Diagnostic['path']): string | undefined => {
    const document = policyDocuments.get(policyKey(policy));
    return document && positionText(document, path);
  };
