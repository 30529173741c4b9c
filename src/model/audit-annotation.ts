/** The annotation that says what the audit log records of a namespace's pods. */
import type { Annotations } from './annotations.js';

/** On a Namespace: `deny` (always recorded) and `allow`. */
export const auditAnnotation = 'podwall.dev/audit';

/** What is to be recorded of a namespace's pods, in the annotation's own words. */
export const recordedIn = (annotations: Annotations): string[] =>
  (annotations[auditAnnotation] ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** Whether the first packet of every allowed flow is recorded. */
export const logsAllowed = (annotations: Annotations): boolean => recordedIn(annotations).includes('allow');
