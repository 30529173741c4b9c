import { expect } from '@jest/globals';
import { printProgram } from '../../src/program/print.js';
import type { Group, Member, PolicyProgram, ProgramChange } from '../../src/program/types.js';

/** A program with a change taken in, by the plainest means. */
export function applyChange(program: PolicyProgram, change: ProgramChange): PolicyProgram {
  const endpoints = new Map(program.endpoints);
  for (const { key, after } of change.endpoints) set(endpoints, key, after);
  const ruleLists = new Map(program.ruleLists);
  for (const { id, after } of change.ruleLists) set(ruleLists, id, after);
  const nodes = new Map(program.nodes);
  for (const { name, after } of change.nodes) set(nodes, name, after);
  const groups = new Map(program.groups);
  for (const { group, change: what, added, removed } of change.groups) {
    if (what === 'removed') groups.delete(group.id);
    else groups.set(group.id, withMembers(group, what === 'added' ? undefined : groups.get(group.id), added, removed));
  }
  const { unknown } = change;
  const before = program.unknown;
  if (unknown === undefined)
    return { revision: change.revision, endpoints, ruleLists, groups, nodes, ...(before && { unknown: before }) };
  const known = new Set(before?.known);
  for (const address of unknown.removed) known.delete(address);
  for (const address of unknown.added) known.add(address);
  return {
    revision: change.revision,
    endpoints,
    ruleLists,
    groups,
    nodes,
    unknown: { ranges: unknown.ranges ?? before?.ranges ?? [], known },
  };
}

function set<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function withMembers(
  group: Group,
  before: Group | undefined,
  added: readonly Member[],
  removed: readonly Member[],
): Group {
  const members = new Set<Member>(before?.members);
  for (const member of removed) {
    expect(members.has(member)).toBe(true);
    members.delete(member);
  }
  for (const member of added) {
    expect(members.has(member)).toBe(false);
    members.add(member);
  }
  return { ...group, members } as Group;
}

/** Equal but for the revision; a folded program has no `unknown` before the first change that names it. */
export function sameProgram(a: PolicyProgram, b: PolicyProgram): void {
  const text = (program: PolicyProgram): string =>
    printProgram(program).split('unknown pods denied in (1)\n  \n    known: \n').join('');
  expect(text(a)).toBe(text(b));
}
