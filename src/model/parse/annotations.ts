/** What is wrong with our own annotations: nobody would notice otherwise. */
import type { Annotations } from '../annotations.js';
import type { Diagnostic } from '../diagnostic.js';
import { auditAnnotation, recordedIn } from '../audit-annotation.js';
import { modeAnnotation, policyModes, renamedDryRun } from '../policy-mode.js';
import type { Reader } from './reader.js';

const path = (annotation: string): readonly string[] => ['metadata', 'annotations', annotation];

/** Errors that leave a meaning: an unknown mode enforces, and the old word for a dry run is still one. */
export function modeDiagnostics(annotations: Annotations): readonly Diagnostic[] {
  const mode = annotations[modeAnnotation];
  if (mode === undefined || policyModes.some((known) => known === mode)) return [];
  const [code, message] =
    mode === renamedDryRun
      ? ['renamed-mode', `"audit" is now "dry-run": it is read as "dry-run"; write ${modeAnnotation}: dry-run`]
      : [
          'unknown-mode',
          `Unsupported value: ${JSON.stringify(mode)}: supported values: "dry-run", "enforce"; it is enforced`,
        ];
  return [{ code, severity: 'error', path: path(modeAnnotation), message }];
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
