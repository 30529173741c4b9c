/** Warnings about our own annotations: what is not understood changes nothing, and nobody would notice. */
import type { Annotations } from '../annotations.js';
import { auditAnnotation, recordedIn } from '../audit-annotation.js';
import { modeAnnotation } from '../policy-mode.js';
import type { Reader } from './reader.js';

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
  const unknown = recordedIn(annotations).filter((word) => word !== 'allow' && word !== 'deny');
  if (unknown.length > 0)
    reader.warning(
      'unknown-audit',
      path(auditAnnotation),
      `Unsupported value: ${unknown.map((word) => JSON.stringify(word)).join(', ')}: supported values: "allow", "deny"`,
    );
}
