import type { ClusterSnapshot } from '../model/cluster.js';
import type { Diagnostic } from '../model/diagnostic.js';
import { policyKey, directions, type AnyPolicy, type BrokenPolicy, type PolicyRef } from '../model/policy.js';
import { planReplacement } from '../nftables/plan/plan.js';
import { isBlame, type Nftables } from '../nftables/language/nftables.js';
import type { Ruleset } from '../nftables/language/types.js';

interface QuarantineInput {
  readonly snapshot: ClusterSnapshot;
  readonly render: (snapshot: ClusterSnapshot) => Ruleset;
  /** Keys of the policies that may be at fault. */
  readonly suspects: ReadonlySet<string>;
  readonly nftables: Pick<Nftables, 'check'>;
  /** What the kernel said, for the policy's diagnostics. */
  readonly reason: string;
}

interface PolicyFailure {
  readonly kind: 'policy';
  readonly ref: PolicyRef;
  readonly policy: BrokenPolicy;
}

/** The changes that make every refused one of the suspects, and no other, fail closed; none when no policy is at fault. */
export async function quarantined(input: QuarantineInput): Promise<readonly PolicyFailure[]> {
  const { snapshot, suspects, reason } = input;
  const accepted = async (intact: readonly PolicyRef[]): Promise<boolean> => {
    const keys = new Set(intact.map(policyKey));
    const isIntact = (key: string): boolean => keys.has(key) || !suspects.has(key);
    const policies = snapshot.policies.map((one) =>
      isIntact(policyKey(one.ref)) ? one : refusedPolicy(one, byKernel(reason)),
    );
    return isAccepted({ ...snapshot, policies }, input);
  };
  const whole = snapshot.policies.filter(({ kind, ref }) => kind === 'policy' && suspects.has(policyKey(ref)));
  const refs = whole.map((policy) => policy.ref);
  const culprits = (await findCulprits(refs, accepted)) ?? [];
  const innocent = refs.filter((ref) => !culprits.includes(ref));
  const found: PolicyFailure[] = [];
  for (const policy of whole) {
    const { ref } = policy;
    // Each once more: what is refused now and then is no policy's fault.
    const isCulprit = culprits.includes(ref) && !(await accepted([...innocent, ref]));
    if (isCulprit) found.push({ kind: 'policy', ref, policy: refusedPolicy(policy, byKernel(reason)) });
  }
  return found;
}

/** Whether the kernel would take the whole ruleset of a cluster. @throws NftError when that cannot be said */
export async function isAccepted(
  snapshot: ClusterSnapshot,
  { nftables, render }: Pick<QuarantineInput, 'nftables' | 'render'>,
): Promise<boolean> {
  try {
    await nftables.check(planReplacement(render(snapshot)));
    return true;
  } catch (error) {
    if (isBlame(error)) return false;
    throw error;
  }
}

const byKernel = (message: string): readonly Diagnostic[] => [
  { code: 'refused-by-kernel', severity: 'error', path: ['spec'], message },
];

/** `policy` failing closed for a reason that is not in its text alone: the kernel refused it, or it is over a limit. */
export function refusedPolicy(policy: AnyPolicy, diagnostics: readonly Diagnostic[]): BrokenPolicy {
  const declared =
    policy.kind === 'broken' ? policy.directions : directions.filter((name) => policy[name] !== undefined);
  return {
    kind: 'broken',
    ref: policy.ref,
    ...(policy.uid === undefined ? {} : { uid: policy.uid }),
    ...(policy.generation === undefined ? {} : { generation: policy.generation }),
    ...(policy.created === undefined ? {} : { created: policy.created }),
    ...(policy.bytes === undefined ? {} : { bytes: policy.bytes }),
    // In a dry run it goes on dropping nothing.
    ...(policy.mode === undefined ? {} : { mode: policy.mode }),
    appliesTo: policy.appliesTo,
    directions: declared,
    diagnostics,
  };
}

/**
 * The policies for which `accepted` is false, found by halving: `accepted(set)` says whether the kernel would take the
 * ruleset with only the policies of `set` intact and all others failing closed.
 * @returns the culprits, or undefined when the refusal is not a policy's fault (even none of them intact is refused).
 */
export async function findCulprits(
  policies: readonly PolicyRef[],
  accepted: (intact: readonly PolicyRef[]) => Promise<boolean>,
): Promise<readonly PolicyRef[] | undefined> {
  if (!(await accepted([]))) return undefined;
  const culprits: PolicyRef[] = [];
  let rest = [...policies].sort((a, b) => (policyKey(a) < policyKey(b) ? -1 : 1));
  while (rest.length > 0 && !(await accepted(rest))) {
    const last = await shortestRefusedPrefix(rest, accepted);
    const culprit = rest[last];
    if (culprit === undefined) break;
    culprits.push(culprit);
    // Everything before the culprit was accepted together; with it gone, look again at the whole.
    rest = rest.filter((ref) => ref !== culprit);
  }
  return culprits;
}

/** Index of the policy that turns an accepted prefix into a refused one. */
async function shortestRefusedPrefix(
  policies: readonly PolicyRef[],
  accepted: (intact: readonly PolicyRef[]) => Promise<boolean>,
): Promise<number> {
  let good = 0;
  let bad = policies.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await accepted(policies.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return bad - 1;
}
