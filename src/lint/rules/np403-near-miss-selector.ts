import type { WorkloadPod } from '../../model/workload.js';
import { everything, labelOf, type LabelSelector } from '../../model/labels.js';
import { isEnforceable } from '../../model/pod.js';
import { matches } from '../../selectors/match.js';
import { namedByPeer, namedBySubject, peersOf, requirementPath, selectionOfPeer, validPolicies } from '../queries.js';
import type { Path, PolicyObject } from '../objects.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP403',
  name: 'near-miss-selector',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'heuristic',
  summary: 'a selector that matches nothing, but would match if one label were spelled differently',
  why: 'A single letter can decide whether a policy protects anybody.',
  bad: 'podSelector: {matchLabels: {app: wbe}}',
  good: 'podSelector: {matchLabels: {app: web}}',
  *check(input) {
    for (const { object, policy } of validPolicies(input)) {
      if (namedBySubject(input, policy).length > 0) continue;
      const own = input.workloadsIn(policy.ref.namespace).filter(({ pod }) => isEnforceable(pod));
      yield* nearMisses(object, policy.appliesTo, ['spec', 'podSelector'], own);
    }
    for (const { object, policy, peer, path } of peersOf(input)) {
      if (peer.kind !== 'pods' || namedByPeer(input, policy, peer).length > 0) continue;
      const meant = input
        .select({ ...selectionOfPeer(policy, peer), pods: everything })
        .filter(({ pod }) => isEnforceable(pod));
      yield* nearMisses(object, peer.pods, [...path, 'podSelector'], meant);
    }
  },
};

function* nearMisses(object: PolicyObject, selector: LabelSelector, path: Path, workloads: readonly WorkloadPod[]) {
  for (const { key, ...one } of selector.requirements) {
    if (one.operator !== 'In' || one.values.length !== 1) continue;
    const [value = ''] = one.values;
    const others = { requirements: selector.requirements.filter((other) => other.key !== key) };
    const near = workloads.find(
      ({ pod }) => matches(others, pod.labels) && isNear(value, labelOf(pod.labels, key) ?? value),
    );
    if (near === undefined) continue;
    yield {
      object,
      path: requirementPath(object.fields, path, key),
      message: `${near.owner.kind} ${near.owner.name} has ${key}: ${near.pod.labels[key] ?? ''}: did you mean that?`,
    };
    return;
  }
}

/** One letter more, less, other, or two that have changed places; short words are near to everything. */
function isNear(a: string, b: string): boolean {
  if (a === b || Math.min(a.length, b.length) < 3 || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const isSwap = left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
  return isSwap || (left.length <= 1 && right.length <= 1);
}
