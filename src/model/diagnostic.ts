export type Severity = 'error' | 'warning' | 'info';

/** What is wrong with an object, where: `path` names the field from the object's root, as in `['spec', 'ingress', 0]`. */
export interface Diagnostic {
  /** Stable and machine readable, for example `unknown-field` or `invalid-cidr`. */
  readonly code: string;
  readonly severity: Severity;
  readonly path: readonly (string | number)[];
  /** Its position, when that is known more exactly than by the API server's path. */
  readonly at?: readonly (string | number)[];
  readonly message: string;
}

/** The path as Kubernetes writes it: `spec.ingress[0].from[1].ipBlock.cidr`. */
export function formatPath(path: Diagnostic['path']): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** Either a value, perhaps with warnings, or the errors that forbid one. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };
