/** What the policies of one workload add up to, as people and programs read it. */
import type { DirectionSummary } from '../analysis/direction-summaries.js';
import { policyKey } from '../model/policy.js';
import type { ReachEndpoint } from '../model/reachability.js';
import type { Workload } from '../model/workload.js';
import { printOrigin } from '../program/print.js';
import { GroupText } from './group-text.js';
import { located, pathOf, positionSuffix, type PolicyPositions } from './explanations.js';
import { allowedText } from './reachability.js';

export function workloadText(
  workload: Workload,
  summaries: readonly DirectionSummary[],
  { endpoints, positions }: { readonly endpoints: readonly ReachEndpoint[]; readonly positions: PolicyPositions },
): string {
  const groupText = new GroupText(endpoints);
  const lines = summaries.flatMap(({ direction, isolatedBy, rules, sum }) => {
    if (isolatedBy.length === 0) return [`  ${direction}: no policy isolates it: everything is allowed`];
    const word = direction === 'ingress' ? 'from' : 'to';
    return [
      `  ${direction}: isolated by`,
      ...isolatedBy.map((policy) => `    ${policyKey(policy)}${positionSuffix(positions(policy, []))}`),
      ...(rules.length === 0 ? ['    no rule allows anything'] : ['    rules']),
      ...rules.map(
        ({ origin, peers, ports }) =>
          `      ${ports} ${word} ${peers}: ${printOrigin(origin)}${positionSuffix(positions(origin.policy, pathOf(origin)))}`,
      ),
      ...(sum.length === 0 ? ['    adds up to nothing'] : ['    adds up to']),
      ...sum.map((one) => `      ${allowedText(one)} ${word} ${groupText.describe(one.ids)}`),
    ];
  });
  return [workload.id, ...lines, ''].join('\n');
}

export function workloadAsJson(
  workload: Workload,
  summaries: readonly DirectionSummary[],
  positions: PolicyPositions,
): object {
  return {
    id: workload.id,
    ...Object.fromEntries(
      summaries.map(({ direction, isolatedBy, rules, sum }) => [
        direction,
        {
          isolatedBy: isolatedBy.map((policy) => located(policy, [], positions)),
          rules: rules.map(({ origin, peers, ports }) => ({
            ...located(origin.policy, pathOf(origin), positions),
            peers,
            ports,
          })),
          allowed: sum.map(({ ids, assumed, ...one }) => ({ ...one, ...(assumed ? { assumed } : {}), with: ids })),
        },
      ]),
    ),
  };
}
