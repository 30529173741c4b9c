import type { WorkloadPod } from '../model/workload.js';
import { readDocuments, type ManifestDocument, type ManifestError, type Position } from './documents.js';
import { isWorkload, ownerKey, readWorkload, topmostOwner, type WorkloadObject } from './workloads.js';
import type { Cidr } from '../model/address.js';
import { formatPath, type Diagnostic, type Parsed } from '../model/diagnostic.js';
import {
  impliedNamespace,
  isMapping,
  parseNamespace,
  parseNetworkPolicy,
  parseNode,
  parseService,
  type PodOptions,
} from '../model/parse.js';
import { objectKey, type Namespace, type Node, type Pod } from '../model/pod.js';
import { policyKey, type AnyPolicy, type PolicyRef } from '../model/policy.js';
import type { Service } from '../model/service.js';
import { parseWorkload } from './checked-workload.js';

export interface ManifestObjects {
  readonly policies: readonly AnyPolicy[];
  readonly namespaces: readonly Namespace[];
  /** Named by an object only, so that its other labels are not known. */
  readonly implied: ReadonlySet<string>;
  readonly pods: readonly WorkloadPod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly podCidrs: readonly Cidr[];
  /** The document of each policy, by the policy's key. */
  readonly policyDocuments: ReadonlyMap<string, ManifestDocument>;
  /** Templates that are not YAML yet, and what is no object of Kubernetes; one line each. */
  readonly skipped: readonly string[];
  /** What could not be read, one line each. */
  readonly unparsed: readonly string[];
  /** What was read and is wrong, one line each. */
  readonly problems: readonly string[];
}

/** What could not be read, and why; a file that cannot be read at all has no place. */
export type Unread = Pick<ManifestError, 'file' | 'message'> & Partial<Position>;

export const unreadText = ({ file, line, column, message }: Unread): string =>
  `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`;

/** Gathers what the documents of an input hold. */
export class ManifestCollector {
  /** The API server prunes what it does not know: there an unknown field is a newer API's, and no typo. */
  readonly #strict: boolean;
  readonly #podOptions: PodOptions;
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #policyDocuments = new Map<string, ManifestDocument>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #named = new Set<string>();
  readonly #nodes = new Map<string, Node>();
  readonly #services = new Map<string, Service>();
  readonly #workloads = new Map<string, WorkloadObject>();
  readonly #pods = new Map<string, Pod>();
  readonly #skipped: string[] = [];
  readonly #unparsed: string[] = [];
  readonly #problems: string[] = [];

  constructor({ strict, ...pods }: { readonly strict: boolean } & PodOptions) {
    this.#strict = strict;
    this.#podOptions = pods;
  }

  takeText(content: string, name: string): void {
    const { documents, errors } = readDocuments(content, name);
    if (isTemplate(content, errors)) {
      this.#skipped.push(`${name}: a template, not YAML: render it first`);
      return;
    }
    for (const error of errors) this.takeError(error);
    for (const document of documents) this.takeDocument(document);
  }

  takeError(error: Unread): void {
    this.#unparsed.push(unreadText(error));
  }

  takeDocument(document: ManifestDocument): void {
    const { kind, apiVersion } = isMapping(document.object) ? document.object : {};
    if (typeof kind !== 'string' || typeof apiVersion !== 'string')
      this.#skipped.push(`${positionText(document, [])}: not a Kubernetes object: it has no kind and apiVersion`);
    else if (kind === 'NetworkPolicy') this.#takePolicy(document, apiVersion);
    else if (apiVersion === 'v1' && kind === 'Namespace')
      this.#parse(document, parseNamespace, (one) => void this.#namespaces.set(one.name, one));
    else if (apiVersion === 'v1' && kind === 'Node')
      this.#parse(document, parseNode, (one) => void this.#nodes.set(one.name, one));
    else if (apiVersion === 'v1' && kind === 'Service')
      this.#parse(document, parseService, (one) => void this.#services.set(objectKey(one.ref), one));
    else if (isWorkload(kind)) this.#takeWorkload(document, kind);
    else if (apiVersion === 'v1' && kind === 'List')
      this.#unparsed.push(`${positionText(document, ['items'])}: items: must be a list`);
  }

  /** Whether a workload or a namespace of that name is there already. */
  has(object: { readonly kind: string; readonly metadata: { readonly name: string } }): boolean {
    if (object.kind === 'Namespace') return this.#namespaces.has(object.metadata.name);
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
      skipped: this.#skipped,
      unparsed: this.#unparsed,
      problems: this.#problems,
    };
  }

  #owned(key: string, pod: Pod): WorkloadPod {
    const workload = this.#workloads.get(key);
    if (workload === undefined) throw new Error(`${key} was not kept`);
    return { owner: topmostOwner(workload, this.#workloads), pod, isTemplate: workload.self.kind !== 'Pod' };
  }

  #takePolicy(document: ManifestDocument, apiVersion: string): void {
    if (apiVersion !== 'networking.k8s.io/v1') {
      const place = positionText(document, ['apiVersion']);
      if (apiVersion.startsWith('extensions/') || apiVersion.startsWith('networking.k8s.io/'))
        this.#unparsed.push(
          `${place}: apiVersion ${apiVersion} of NetworkPolicy is not served; use networking.k8s.io/v1`,
        );
      else this.#skipped.push(`${place}: a NetworkPolicy of ${apiVersion}, which Podwall does not read`);
      return;
    }
    const parse = (object: unknown) => parseNetworkPolicy(inNamespace(object), { strict: this.#strict });
    this.#parse(document, parse, (policy) => {
      const key = policyKey(policy.ref);
      this.#named.add(policy.ref.namespace);
      this.#policies.set(key, policy);
      this.#policyDocuments.set(key, document);
    });
  }

  #takeWorkload(document: ManifestDocument, kind: string): void {
    const parse = (object: unknown) => parseWorkload(object, kind, this.#podOptions);
    this.#parse(document, parse, ({ workload, pod }) => {
      const key = ownerKey(workload.self);
      this.#named.add(workload.self.namespace);
      this.#workloads.set(key, workload);
      if (pod !== undefined) this.#pods.set(key, pod);
    });
  }

  #parse<T>(document: ManifestDocument, parse: (object: unknown) => Parsed<T>, keep: (value: T) => void): void {
    const parsed = parse(document.object);
    this.#note(document, parsed.diagnostics, parsed.ok ? this.#problems : this.#unparsed);
    if (parsed.ok) keep(parsed.value);
  }

  #note(document: ManifestDocument, diagnostics: readonly Diagnostic[], into: string[]): void {
    for (const { path, at = path, message } of diagnostics) {
      const field = formatPath(path);
      into.push(`${positionText(document, at)}: ${field === '' ? '' : `${field}: `}${message}`);
    }
  }
}

/**
 * Helm's and Go's templates, whose actions are no YAML, or are by accident: a value that begins with one, or a line that
 * is one.
 */
export const isTemplate = (text: string, errors: readonly ManifestError[]): boolean =>
  (errors.length > 0 && text.includes('{{')) ||
  /^\s*(?:-\s+)?(?:[\w./-]+:\s*)?\{\{-?\s*(?:[.$]|(?:if|range|with|end|else|include|define|template|toYaml)\b)/m.test(
    text,
  );

/** `file:line:column` of a field. */
export function positionText(document: ManifestDocument, path: Diagnostic['path']): string {
  const { line, column } = document.position(path);
  return line === 0 ? document.file : `${document.file}:${line}:${column}`;
}

/** `file:line:column` of a policy's field; undefined for a policy that no document of the input holds. */
export const policyPositions =
  ({ policyDocuments }: Pick<ManifestObjects, 'policyDocuments'>) =>
  (policy: PolicyRef, path: Diagnostic['path']): string | undefined => {
    const document = policyDocuments.get(policyKey(policy));
    return document && positionText(document, path);
  };

function inNamespace(object: unknown): unknown {
  const { metadata, ...rest } = object as { metadata?: object };
  return { ...rest, metadata: { namespace: 'default', ...metadata } };
}
