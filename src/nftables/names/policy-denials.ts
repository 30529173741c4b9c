/** Denials of each policy that isolates: those that it alone made, and those that it shares with others. */
import { isolationIn } from './comments.js';
import type { RuleHits } from './rule-hits.js';

export interface PolicyDenials extends RuleHits {
  readonly verdict: 'deny';
  /** Of the packets, those that met no other policy that isolates. */
  readonly alone: number;
  /** It may share in denials by sets of policies whose names do not fit into the kernel's comments. */
  readonly mayBeMore: boolean;
}

type Hits = Pick<RuleHits, 'what' | 'packets'>;

/** @param hits denials by sets of policies, as the kernel counts them; the policies of a set are in order */
export function denialsByPolicy(hits: readonly Hits[]): readonly PolicyDenials[] {
  const sets = hits.map(({ what, packets }) => ({ packets, ...(isolationIn(what) ?? unreadable(what)) }));
  const cut = sets.filter(({ isCut, packets }) => isCut && packets > 0);
  const found = new Map<string, PolicyDenials>();
  for (const { how, policies, packets, isCut } of sets)
    for (const policy of policies) {
      const what = `${how} ${policy}`.trim();
      const before = found.get(what) ?? { what, verdict: 'deny', packets: 0, alone: 0, mayBeMore: false };
      const alone = policies.length === 1 && !isCut ? packets : 0;
      const mayBeMore = cut.some((set) => set.how === how && mayHide(set.policies, policy));
      found.set(what, { ...before, packets: before.packets + packets, alone: before.alone + alone, mayBeMore });
    }
  return [...found.values()];
}

const unreadable = (what: string): { how: string; policies: readonly string[]; isCut: boolean } => ({
  how: '',
  policies: [what],
  isCut: false,
});

/** Policies that isolate a pod are of its namespace, and what a comment leaves out comes after what it names. */
function mayHide(shown: readonly string[], policy: string): boolean {
  const last = shown.at(-1);
  const namespaceOf = (name: string): string => name.split('/')[0] ?? '';
  return last === undefined || (namespaceOf(last) === namespaceOf(policy) && last < policy);
}
