/** The annotations that say what is only tried, and what is recorded beside denials. */
import type { Reader } from './parse/reader.js';

type Annotations = Readonly<Record<string, string>>;

/** `audit`: a dry run; what would change is recorded, and nothing is enforced. */
export type PolicyMode = 'enforce' | 'audit';

/** On a NetworkPolicy, or on a Namespace for all of its policies. */
export const modeAnnotation = 'podwall.dev/mode';
/** On a Namespace: what is recorded of its pods, `deny` (always) and `allow`. */
export const auditAnnotation = 'podwall.dev/audit';

/** Whatever is not known enforces. */
export const modeIn = (annotations: Annotations): PolicyMode =>
  annotations[modeAnnotation] === 'audit' ? 'audit' : 'enforce';

/** Whether a policy is only tried: by its own annotation, or by its namespace's for all of its policies. */
export const isTried = (
  policy: { readonly mode?: 'audit' },
  namespace: { readonly annotations: Annotations } | undefined,
): boolean => policy.mode === 'audit' || modeIn(namespace?.annotations ?? {}) === 'audit';

/** Whether the first packet of every allowed flow is recorded. */
export const logsAllowed = (annotations: Annotations): boolean => wordsIn(annotations).includes('allow');

const wordsIn = (annotations: Annotations): string[] =>
  (annotations[auditAnnotation] ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const path = (annotation: string): readonly string[] => ['metadata', 'annotations', annotation];

/** Warns of a mode that is none: it enforces. */
export function checkMode(reader: Reader, annotations: Annotations): void {
  const mode = annotations[modeAnnotation];
  if (mode !== undefined && mode !== 'audit' && mode !== 'enforce')
    reader.warning(
      'unknown-mode',
      path(modeAnnotation),
      `Unsupported value: ${JSON.stringify(mode)}: supported values: "audit", "enforce"; it is enforced`,
    );
}

/** Warns of what cannot be recorded: denials always are. */
export function checkAudit(reader: Reader, annotations: Annotations): void {
  const unknown = wordsIn(annotations).filter((word) => word !== 'allow' && word !== 'deny');
  if (unknown.length > 0)
    reader.warning(
      'unknown-audit',
      path(auditAnnotation),
      `Unsupported value: ${unknown.map((word) => JSON.stringify(word)).join(', ')}: supported values: "allow", "deny"`,
    );
}
