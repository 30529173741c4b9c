/** Explanations as people and programs read them. */
import { stringify } from 'yaml';
import type { Edit } from '../analysis/edits.js';
import { nameOf } from '../evaluation/flow-endpoints.js';
import type { Explanation, PolicyMiss, Step } from '../analysis/explain.js';
import type { Mismatch } from '../analysis/near-misses.js';
import { formatPath } from '../model/diagnostic.js';
import { policyKey, type PolicyRef } from '../model/policy.js';
import { printOrigin } from '../program/print.js';
import type { RuleOrigin } from '../program/types.js';
import { paintAnswer, plain, type Paint } from './paint.js';
import { answerAsJson, askedText, assumptionText, ownNodeText } from './answers.js';

/** `file:line:column` of a policy's field; undefined for a policy that no document of the input holds. */
export type PolicyPositions = (policy: PolicyRef, path: Mismatch['path']) => string | undefined;

/** The rule's peer, or the rule where it names none. */
export function pathOf({ direction, rule, peer }: RuleOrigin): Mismatch['path'] {
  const peers = peer === undefined ? [] : [direction === 'ingress' ? 'from' : 'to', peer];
  return ['spec', direction, rule, ...peers];
}

export const positionSuffix = (position: string | undefined): string =>
  position === undefined ? '' : `  (${position})`;

export function explanationText(
  { answer, steps }: Explanation,
  positions: PolicyPositions,
  paint: Paint = plain,
): string {
  const { allowed, from, to, family, assumed } = answer;
  const over = family === undefined ? '' : ` over ${family}`;
  const head = `${paintAnswer(paint, allowed)}: ${nameOf(from)} ${allowed ? 'may' : 'may not'} reach ${nameOf(to)} on ${askedText(answer)}${over}`;
  const assumption = assumed ? [`   ${assumptionText}`] : [];
  const lines = steps.flatMap((step, index) => stepLines(step, index + 1, positions));
  return [head, ...lines, ...assumption, ''].join('\n');
}

function stepLines(step: Step, number: number, positions: PolicyPositions): readonly string[] {
  const { direction, endpoint, exempt, isolatedBy, rules, misses, edit } = step;
  const head = `${number}. ${direction === 'egress' ? 'leaving' : 'entering'} ${nameOf(endpoint)} (${direction}): `;
  if (exempt === 'notIsolated') return [`${head}no policy isolates it: allowed`];
  if (exempt === 'itself') return [`${head}a pod may always reach itself: allowed`];
  if (exempt === 'ownNode') return [`${head}${ownNodeText(direction)}: allowed`];
  const by = isolatedBy.map((policy) => `     ${policyKey(policy)}${positionSuffix(positions(policy, []))}`);
  if (rules.length > 0)
    return [
      `${head}isolated by`,
      ...by,
      '   allowed by',
      ...rules.map(
        ({ origin }) => `     ${printOrigin(origin)}${positionSuffix(positions(origin.policy, pathOf(origin)))}`,
      ),
    ];
  return [
    `${head}isolated, and no rule allows it: denied`,
    ...misses.flatMap((miss) => missLines(miss, positions)),
    ...(edit === undefined ? [] : editLines(edit, positions)),
  ];
}

function missLines(miss: PolicyMiss, positions: PolicyPositions): readonly string[] {
  const { policy } = miss;
  const head = `     ${policyKey(policy)}${positionSuffix(positions(policy, []))}`;
  switch (miss.kind) {
    case 'noRules':
      return [head, '       allows nothing in this direction'];
    case 'broken':
      return [
        head,
        '       cannot be read, so it isolates and allows nothing:',
        ...miss.messages.map((text) => `         ${text}`),
      ];
    case 'nearest':
      return [
        head,
        ...miss.miss.mismatches.map(
          ({ path, wants, has }) =>
            `       ${formatPath(path)}${positionSuffix(positions(policy, path))}: wants ${wants}; ${has}`,
        ),
      ];
  }
}

function editLines({ policy, path, add }: Edit, positions: PolicyPositions): readonly string[] {
  const yaml = stringify(add).trimEnd().split('\n');
  return [
    `   the smallest edit that allows it: in ${policyKey(policy)}, add to ${formatPath(path)}${positionSuffix(positions(policy, path))}`,
    ...yaml.map((line) => `     ${line}`),
  ];
}

export function explanationAsJson({ answer, steps }: Explanation, positions: PolicyPositions): object {
  return {
    ...answerAsJson(answer),
    steps: steps.map((step) => ({
      direction: step.direction,
      end: nameOf(step.endpoint),
      allowed: step.allowed,
      ...(step.exempt === undefined ? {} : { exempt: step.exempt }),
      isolatedBy: step.isolatedBy.map((policy) => located(policy, [], positions)),
      allowedBy: step.rules.map(({ origin }) => located(origin.policy, pathOf(origin), positions)),
      misses: step.misses.map((miss) => ({
        ...located(miss.policy, [], positions),
        ...(miss.kind === 'broken' ? { broken: miss.messages } : {}),
        mismatches:
          miss.kind === 'nearest'
            ? miss.miss.mismatches.map(({ path, wants, has }) => ({
                ...located(miss.policy, path, positions),
                wants,
                has,
              }))
            : [],
      })),
      ...(step.edit === undefined
        ? {}
        : { edit: { ...located(step.edit.policy, step.edit.path, positions), add: step.edit.add } }),
    })),
  };
}

export function located(policy: PolicyRef, path: Mismatch['path'], positions: PolicyPositions): object {
  const position = positions(policy, path);
  return {
    policy: policyKey(policy),
    ...(path.length === 0 ? {} : { path: formatPath(path) }),
    ...(position === undefined ? {} : { place: position }),
  };
}
