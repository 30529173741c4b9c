import { formatPath } from '../model/diagnostic.js';
import type { EnforcedPolicy } from '../model/node-policy-status.js';
import { objectKey, type ObjectRef } from '../model/pod.js';
import { directions, policyKey, type AnyPolicy } from '../model/policy.js';
import type { PolicyProgram } from '../program/types.js';
import { reasonsOf } from './types.js';

/** The policies that isolate pods of this node, without the `unattached` pods; by name. */
function enforcedPolicies(
  { endpoints }: PolicyProgram,
  policies: readonly AnyPolicy[],
  unattached: readonly { readonly pod: ObjectRef }[],
): readonly EnforcedPolicy[] {
  const absent = new Set(unattached.map(({ pod }) => objectKey(pod)));
  const pods = new Map<string, number>();
  for (const endpoint of endpoints.values()) {
    if (absent.has(objectKey(endpoint.pod))) continue;
    const by = directions.flatMap((direction) => {
      const isolation = endpoint[direction];
      return isolation.kind === 'open' ? [] : isolation.by.map(policyKey);
    });
    for (const key of new Set(by)) pods.set(key, (pods.get(key) ?? 0) + 1);
  }
  return policies
    .flatMap((policy): EnforcedPolicy[] => {
      const count = pods.get(policyKey(policy.ref));
      if (count === undefined) return [];
      const { ref, uid, generation } = policy;
      return [
        {
          namespace: ref.namespace,
          name: ref.name,
          ...(uid === undefined ? {} : { uid }),
          ...(generation === undefined ? {} : { generation }),
          pods: count,
          ...(policy.kind === 'broken' ? { failing: failingReasons(policy) } : {}),
        },
      ];
    })
    .sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
}

interface EnforcedNow {
  readonly program: PolicyProgram;
  readonly policies: readonly AnyPolicy[];
  readonly unattached: readonly { readonly pod: ObjectRef }[];
  /** Whether changes of the namespace are not in force yet. */
  readonly isPending: (namespace: string) => boolean;
}

/** What is in force, where the program may be ahead of the kernel: of some namespaces it is what was last known. */
export class EnforcedPolicies {
  #last: readonly EnforcedPolicy[] = [];

  update({ program, policies, unattached, isPending }: EnforcedNow): readonly EnforcedPolicy[] {
    const now = enforcedPolicies(program, policies, unattached);
    this.#last = [
      ...now.filter(({ namespace }) => !isPending(namespace)),
      ...this.#last.filter(({ namespace }) => isPending(namespace)),
    ].sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
    return this.#last;
  }
}

/** Why a policy fails closed: `field: message`, one for each error. */
export const failingReasons = ({ diagnostics }: AnyPolicy & { readonly kind: 'broken' }): readonly string[] =>
  reasonsOf(diagnostics, (one) => [formatPath(one.path), one.message].filter((part) => part !== '').join(': '));
