/** Each step of a verdict: who isolates, which rules let through, what was nearest to it, what would. */
import { policyKey, type AnyPolicy, type Direction, type PolicyRef } from '../model/policy.js';
import type { Namespace } from '../model/pod.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { smallestEdit, type Edit } from './edits.js';
import type { Evaluator, Way } from '../evaluation/evaluator.js';
import { packetOrder, rulesAllowing, type RuleMatch } from '../evaluation/verdicts.js';
import type { BlockReading } from '../evaluation/blocks.js';
import { nearestMiss, type Approach, type NearMiss } from './near-misses.js';
import { answersFor, type Answer, type Question } from './questions.js';

export interface Explanation {
  readonly answer: Answer;
  /** Leaving the source, entering the destination; none where no policies are enforced: outside. */
  readonly steps: readonly Step[];
}

export interface Step {
  readonly direction: Direction;
  readonly endpoint: FlowEndpoint;
  readonly allowed: boolean;
  /** Why policies are not asked. */
  readonly exempt?: 'itself' | 'ownNode' | 'notIsolated';
  readonly isolatedBy: readonly PolicyRef[];
  /** Rules that let it through. */
  readonly rules: readonly RuleMatch[];
  /** For a denial: per isolating policy, what is in the way. */
  readonly misses: readonly PolicyMiss[];
  readonly edit?: Edit;
}

export type PolicyMiss = { readonly policy: PolicyRef } &
  /** It allows nobody anything in this direction. */
  (
    | { readonly kind: 'noRules' }
    /** It could not be read, so that it fails closed. */
    | { readonly kind: 'broken'; readonly messages: readonly string[] }
    | { readonly kind: 'nearest'; readonly miss: NearMiss }
  );

export interface AnalysisInput {
  readonly evaluator: Evaluator;
  readonly policies: ReadonlyMap<string, AnyPolicy>;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly ipBlocks: BlockReading;
}

export function explain(input: AnalysisInput, question: Question): readonly Explanation[] {
  return answersFor(input.evaluator, question).map((answer) => {
    const family = answer.over;
    const steps = packetOrder.flatMap((direction) => stepOf(input, question, { family, direction }));
    return { answer, steps };
  });
}

function stepOf(input: AnalysisInput, { from, to, port }: Question, way: Way): readonly Step[] {
  const { direction } = way;
  const [endpoint, peer] = direction === 'egress' ? [from, to] : [to, from];
  const verdict = input.evaluator.verdict(endpoint, peer, way);
  const step = { direction, endpoint };
  switch (verdict.kind) {
    case 'notEnforced':
      return [];
    case 'itself':
    case 'ownNode':
    case 'notIsolated':
      return [{ ...step, allowed: true, exempt: verdict.kind, isolatedBy: [], rules: [], misses: [] }];
    case 'unknownPod':
      return [{ ...step, allowed: false, isolatedBy: [], rules: [], misses: [] }];
    case 'isolated': {
      const rules = rulesAllowing(verdict.rules, port);
      const isolated = { ...step, isolatedBy: verdict.by, rules };
      if (rules.length > 0) return [{ ...isolated, allowed: true, misses: [] }];
      const { namespaces, ipBlocks } = input;
      const denial = denialBy(verdict.by, input, { ...way, peer, destination: to, port, namespaces, ipBlocks });
      return [{ ...isolated, allowed: false, ...denial }];
    }
  }
}

/** What of these policies is in the way, and what would let it through. */
function denialBy(by: readonly PolicyRef[], input: AnalysisInput, approach: Approach): Pick<Step, 'misses' | 'edit'> {
  const policies = by.flatMap((ref) => input.policies.get(policyKey(ref)) ?? []);
  const misses = policies.map((policy): PolicyMiss => {
    if (policy.kind === 'broken')
      return { policy: policy.ref, kind: 'broken', messages: policy.diagnostics.map(({ message }) => message) };
    const miss = nearestMiss(policy, approach);
    return miss === undefined ? { policy: policy.ref, kind: 'noRules' } : { policy: policy.ref, kind: 'nearest', miss };
  });
  const edit = smallestEdit(
    policies.flatMap((policy) => (policy.kind === 'policy' ? [policy] : [])),
    approach,
  );
  return { misses, ...(edit === undefined ? {} : { edit }) };
}
