import type { GroupChange, Member, PolicyProgram, ProgramChange } from './types.js';

export const emptyProgram: PolicyProgram = {
  revision: 0,
  endpoints: new Map(),
  ruleLists: new Map(),
  groups: new Map(),
  nodes: new Map(),
};

/** Everything in `program` as additions: the change that leads to it from the empty program. */
export function changeFrom(program: PolicyProgram): ProgramChange {
  const { revision, endpoints, ruleLists, groups, nodes, unknown } = program;
  return {
    revision,
    endpoints: [...endpoints].map(([key, after]) => ({ key, after })),
    ruleLists: [...ruleLists].map(([id, after]) => ({ id, after })),
    groups: [...groups.values()].map((group): GroupChange => {
      const added: readonly Member[] = [...group.members];
      return { group, change: 'added', added, removed: [] };
    }),
    nodes: [...nodes].map(([name, after]) => ({ name, after })),
    ...(unknown === undefined ? {} : { unknown: { ranges: unknown.ranges, added: [...unknown.known], removed: [] } }),
  };
}
