import { controllersOwn } from '../../analysis/workloads.js';
import { ownerKey } from '../../model/workload.js';
import { groupBy } from '../../generic/group-by.js';
import { isEnforceable } from '../../model/pod.js';
import type { PodSelection } from '../../selectors/selector-index.js';
import { peersOf, selectionOfPeer, selectionOfSubject, validPolicies } from '../queries.js';
import type { Path, PolicyObject } from '../objects.js';
import type { Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP414',
  name: 'owner-label-gap',
  severity: 'info',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'a selector that matches only some pods of a workload',
  why: 'Somebody has labelled individual pods: the other pods, and future ones, are treated differently.',
  bad: 'podSelector: {matchLabels: {role: primary}}',
  good: 'podSelector: {matchLabels: {app: db}}',
  *check(input) {
    const counts = new Map(
      [
        ...groupBy(
          input.workloads.filter(({ pod }) => isEnforceable(pod)),
          ({ owner }) => ownerKey(owner),
        ),
      ].map(([owner, entries]) => [owner, entries.length]),
    );
    // Only a workload of which several pods are there can have pods that differ.
    if ([...counts.values()].every((count) => count === 1)) return;
    for (const { object, selection, path } of podSelectionsOf(input)) {
      const requirements = selection.pods.requirements.filter(({ key }) => !controllersOwn.has(key));
      const selected = input.select({ ...selection, pods: { requirements } }).filter(({ pod }) => isEnforceable(pod));
      for (const [owner, entries] of groupBy(selected, (one) => ownerKey(one.owner))) {
        const count = counts.get(owner) ?? 0;
        if (entries.length === count) continue;
        yield { object, path, message: `${entries.length} of the ${count} pods of ${owner} have these labels` };
        break;
      }
    }
  },
};

interface SelectionEntry {
  readonly object: PolicyObject;
  readonly selection: PodSelection;
  readonly path: Path;
}

function* podSelectionsOf(input: LintInput): Iterable<SelectionEntry> {
  for (const { object, policy } of validPolicies(input))
    yield { object, selection: selectionOfSubject(policy), path: ['spec', 'podSelector'] };
  for (const { object, policy, peer, path } of peersOf(input))
    if (peer.kind === 'pods')
      yield { object, selection: selectionOfPeer(policy, peer), path: [...path, 'podSelector'] };
}
