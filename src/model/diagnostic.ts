import { visible } from './visible.js';

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
  const text = path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`));
  return visible(text.join(''));
}

/** What the agent keeps and reports of one object; the longest message, in characters. */
const [mostKept, longestMessage] = [20, 500];

/**
 * The first of an object's diagnostics, errors before warnings, and how many there are more: an object of 1 MB can be wrong
 * at 50,000 places, and the agent keeps, logs and reports what it says of each object.
 */
export function boundedDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length <= mostKept && diagnostics.every(({ message }) => message.length <= longestMessage))
    return diagnostics;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const kept = [...errors, ...diagnostics.filter(({ severity }) => severity !== 'error')].slice(0, mostKept);
  const bounded = kept.map((one) =>
    one.message.length <= longestMessage ? one : { ...one, message: `${one.message.slice(0, longestMessage)}…` },
  );
  const left = diagnostics.length - bounded.length;
  if (left === 0) return bounded;
  const severity = errors.length > bounded.length ? 'error' : 'warning';
  return [...bounded, { code: 'more-diagnostics', severity, path: [], message: `and ${left} more` }];
}

/** Either a value, perhaps with warnings, or the errors that forbid one. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };
