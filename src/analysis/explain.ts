/** Each step of a verdict: who isolates, which rules let through, what was nearest to it, what would. */
import { policyKey, type AnyPolicy, type Direction, type PolicyRef } from '../model/policy.js';
import type { Namespace } from '../model/pod.js';
import type { Family } from '../model/address.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { smallestEdit, type Edit } from './edits.js';
import type { Judge, Judgement, MatchingRule } from '../evaluation/evaluator.js';
import type { BlockReading } from '../evaluation/blocks.js';
import { nearestMiss, type NearMiss } from './near-misses.js';
import { hasPort } from '../evaluation/port-sets.js';
import { answersFor, type Answer, type AskedPort, type Question } from './questions.js';

export interface Explanation {
  readonly answer: Answer;
  /** Leaving the source, entering the destination; none for an end outside, which nobody judges. */
  readonly steps: readonly Step[];
}

export interface Step {
  readonly direction: Direction;
  readonly end: FlowEndpoint;
  readonly allowed: boolean;
  /** Why policies are not asked. */
  readonly unjudged?: 'itself' | 'ownNode' | 'open';
  readonly isolatedBy: readonly PolicyRef[];
  /** Rules that let it through. */
  readonly rules: readonly MatchingRule[];
  /** For a denial: per isolating policy, what stood in the way. */
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
  readonly judge: Judge;
  readonly policies: ReadonlyMap<string, AnyPolicy>;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly ipBlocks: BlockReading;
}

export function explain(known: AnalysisInput, question: Question): readonly Explanation[] {
  return answersFor(known.judge, question).map((answer) => {
    const family = answer.over;
    const steps = (['egress', 'ingress'] as const).flatMap((direction) =>
      stepOf(known, question, { family, direction }),
    );
    return { answer, steps };
  });
}

function stepOf(
  known: AnalysisInput,
  { from, to, port }: Question,
  way: { readonly family: Family; readonly direction: Direction },
): readonly Step[] {
  const { direction } = way;
  const [end, peer] = direction === 'egress' ? [from, to] : [to, from];
  if (end.kind === 'address') return [];
  const judgement = known.judge.judge(end, peer, way);
  if (judgement.kind !== 'isolated')
    return [{ direction, end, allowed: true, unjudged: judgement.kind, isolatedBy: [], rules: [], misses: [] }];
  const rules = letting(judgement, port);
  const step = { direction, end, allowed: rules.length > 0, isolatedBy: judgement.by, rules };
  if (rules.length > 0) return [{ ...step, misses: [] }];
  const approach = { ...way, peer, destination: to, port, namespaces: known.namespaces, ipBlocks: known.ipBlocks };
  const policies = judgement.by.flatMap((ref) => known.policies.get(policyKey(ref)) ?? []);
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
  return [{ ...step, misses, ...(edit === undefined ? {} : { edit }) }];
}

const letting = (judgement: Extract<Judgement, { kind: 'isolated' }>, port: AskedPort | undefined) =>
  judgement.rules.filter(({ ports }) =>
    port === undefined ? ports.length > 0 : hasPort(ports, port.protocol, port.number),
  );
