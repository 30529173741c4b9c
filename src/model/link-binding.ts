import type { Attachment } from './attachment.js';
import { objectKey, type ObjectRef } from './pod.js';

/**
 * Whose a link of this node is, whatever happens to the pod's object: as long as the link is there, it is this pod's. The
 * addresses are those that the pod's object had last.
 */
export type LinkBinding = Attachment;

/** Of a link that is only known by its guard, which does not say it. */
export const unknownUid = '';

interface Identity {
  readonly pod: ObjectRef;
  readonly podUid: string;
}

export const isSamePod = (a: Identity, b: Identity): boolean =>
  a.podUid === b.podUid && objectKey(a.pod) === objectKey(b.pod);
