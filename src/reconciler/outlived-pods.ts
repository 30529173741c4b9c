import type { LinkBinding } from '../model/link-binding.js';
import { objectKey, type ObjectRef, type Pod } from '../model/pod.js';
import type { LocalPod } from './guard-table.js';

/** A pod whose link is still here although its object no longer says so. */
export interface OutlivedPod {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly device: string;
  /** Those that its link still has. */
  readonly addresses: LinkBinding['addresses'];
  readonly reason: string;
}

/** @param pods endpoints of this node @param podOf the object of that name, if there is one */
export function outlivedPods(
  links: readonly LinkBinding[],
  pods: readonly LocalPod[],
  podOf: (ref: ObjectRef) => Pod | undefined,
): readonly OutlivedPod[] {
  const live = new Map(pods.filter(({ link }) => link === undefined).map((pod) => [objectKey(pod.pod), pod.podUid]));
  return links
    .filter((link) => live.get(objectKey(link.pod)) !== link.podUid)
    .map(({ pod, podUid, device, addresses }) => {
      const object = podOf(pod);
      const reason =
        pod.namespace === '' ? 'no pod is known to have it' : reasonOf(object?.uid === podUid ? object : undefined);
      return { pod, podUid, device, addresses, reason };
    });
}

function reasonOf(object: Pod | undefined): string {
  if (object === undefined) return 'its object is gone';
  const { phase, addresses } = object;
  if (phase === 'Succeeded' || phase === 'Failed') return `its object says ${phase}`;
  return addresses.length === 0 ? 'its status has no address' : 'its addresses are those of another pod';
}
