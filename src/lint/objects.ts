/** Objects of the input as rules see them. */
import type { ManifestDocument } from '../manifests/documents.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { FoundKind } from '../model/kind-lookup.js';
import type { AnyPolicy, NetworkPolicy } from '../model/policy.js';

export type { Path } from '../manifests/documents.js';

/** An object as it was read. */
export interface LintObject {
  readonly document: ManifestDocument;
  readonly kind: string;
  readonly apiVersion: string;
  /** Absent where no kind that we read has this name. */
  readonly found?: FoundKind;
  readonly fields: Fields;
  /** `default` when it names none. */
  readonly namespace: string;
  readonly name: string;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A policy, with what is wrong with it by the API's own rules. */
export interface CheckedObject extends LintObject {
  readonly diagnostics: readonly Diagnostic[];
}

/** A NetworkPolicy of networking.k8s.io/v1. */
export interface PolicyObject extends CheckedObject {
  /** Undefined when it has no name to be known by. */
  readonly policy: AnyPolicy | undefined;
}

/** A policy that parsed, with its object. */
export interface ValidPolicy {
  readonly object: PolicyObject;
  readonly policy: NetworkPolicy;
}
