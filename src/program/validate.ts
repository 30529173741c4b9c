import { directions, policyKey } from '../model/policy.js';
import { isolationsOf } from './isolation.js';
import { groupsOf, type AllowRule, type Isolation, type PolicyProgram, type RuleList } from './types.js';

/** What is wrong with a program, one sentence each; a compiler's output has none. */
export function validateProgram(program: PolicyProgram): readonly string[] {
  return [...endpointProblems(program), ...ruleListProblems(program), ...groupProblems(program)];
}

function* endpointProblems(program: PolicyProgram): Iterable<string> {
  const owners = new Map<string, string>();
  for (const [key, endpoint] of program.endpoints) {
    if (endpoint.addresses.length === 0) yield `endpoint ${key} has no address`;
    for (const address of endpoint.addresses) {
      const owner = owners.get(address);
      if (owner !== undefined) yield `address ${address} belongs to ${owner} and to ${key}`;
      owners.set(address, key);
    }
    for (const direction of directions) {
      yield* isolationProblems(program, `${key} ${direction}`, endpoint[direction]);
      const dryRun = endpoint.dryRun?.[direction];
      if (dryRun !== undefined) yield* isolationProblems(program, `${key} ${direction} in dry run`, dryRun);
    }
  }
}

function* isolationProblems(program: PolicyProgram, where: string, isolation: Isolation): Iterable<string> {
  if (isolation.kind === 'open') return;
  if (isolation.by.length === 0) yield `${where} is isolated by nobody`;
  if (!isSorted(isolation.by.map(policyKey))) yield `${where}: isolating policies are not sorted`;
  if (!isSorted(isolation.allowedBy)) yield `${where}: rule lists are not sorted`;
  for (const id of isolation.allowedBy) if (!program.ruleLists.has(id)) yield `${where} names no rule list ${id}`;
}

function* ruleListProblems(program: PolicyProgram): Iterable<string> {
  const used = new Set(
    [...program.endpoints.values()].flatMap((endpoint) =>
      directions.flatMap((direction) => isolationsOf(endpoint, direction).flatMap(({ allowedBy }) => allowedBy)),
    ),
  );
  for (const [id, list] of program.ruleLists) {
    if (!used.has(id)) yield `rule list ${id} is used by nobody`;
    for (const rule of list.rules) yield* ruleProblems(program, list, rule);
  }
}

function* ruleProblems(program: PolicyProgram, list: RuleList, rule: AllowRule): Iterable<string> {
  const { peers, ports } = rule;
  for (const id of groupsOf(rule)) if (!program.groups.has(id)) yield `${list.id} names no group ${id}`;
  for (const match of [peers, ports])
    if (match.kind === 'union' && match.of.length === 0) yield `${list.id} has a rule that matches nothing`;
  for (const port of ports.kind === 'anyPort' ? [] : ports.of)
    if (port.kind === 'range' && !(port.first >= 0 && port.first <= port.last && port.last <= 65535))
      yield `${list.id} has a bad port range ${port.first}-${port.last}`;
}

function* groupProblems(program: PolicyProgram): Iterable<string> {
  const used = new Set([...program.ruleLists.values()].flatMap(({ rules }) => rules.flatMap(groupsOf)));
  for (const id of program.groups.keys()) if (!used.has(id)) yield `group ${id} is used by nobody`;
}

const isSorted = (values: readonly string[]): boolean =>
  values.every((value, index) => index === 0 || (values[index - 1] ?? '') < value);
