/** Two reachabilities compared: what may be reached now and could not before, and the other way round. */
import { cutAtBorders } from '../addresses/address-ranges.js';
import { addressToNumber, families, familyOf } from '../model/address.js';
import { policyKey, type AnyPolicy } from '../model/policy.js';
import type { DryRunScope } from '../model/policy-mode.js';
import type { Connection, PortSet, ReachEndpoint } from '../model/reachability.js';
import type { ConnectionDifference, PolicyDifference, ReachabilityDiff } from '../model/reachability-diff.js';
import { makeRange, rangeId, type ExternalRange } from '../evaluation/external-ranges.js';
import { difference, keyOf, noPorts } from '../evaluation/port-sets.js';
import type { CompiledInput } from './compiled-input.js';
import { DifferenceCauses, type ChangedPair } from './difference-causes.js';

export interface ReachabilitySnapshot {
  readonly input: CompiledInput;
  readonly endpoints: readonly ReachEndpoint[];
  readonly connections: Iterable<Connection>;
}

export function diffReachability(
  before: ReachabilitySnapshot,
  after: ReachabilitySnapshot,
  dryRun: DryRunScope,
): ReachabilityDiff {
  const policies = policyDifferences(before.input.objects.policies, after.input.objects.policies);
  const changed = new Set(policies.map(({ policy }) => policy));
  const causes = new DifferenceCauses({ before: before.input, after: after.input }, changed, dryRun);
  return {
    policies,
    endpoints: endpointDifferences(before.endpoints, after.endpoints),
    connections: connectionDifferences(before, after, causes),
  };
}

function policyDifferences(before: readonly AnyPolicy[], after: readonly AnyPolicy[]): PolicyDifference[] {
  const [old, now] = [before, after].map(
    (policies) => new Map(policies.map((policy) => [policyKey(policy.ref), meaningOf(policy)])),
  ) as [Map<string, string>, Map<string, string>];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((policy): readonly PolicyDifference[] => {
    const [was, is] = [old.get(policy), now.get(policy)];
    if (was === is) return [];
    return [{ change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed', policy }];
  });
}

/** A generation that counts on changes nothing. */
const meaningOf = (policy: AnyPolicy): string =>
  JSON.stringify(policy, (key, value: unknown) => (key === 'generation' ? undefined : value));

function endpointDifferences(
  before: readonly ReachEndpoint[],
  after: readonly ReachEndpoint[],
): ReachabilityDiff['endpoints'] {
  const workloads = (state: readonly ReachEndpoint[]): ReadonlySet<string> =>
    new Set(state.filter(({ kind }) => kind === 'workload').map(({ id }) => id));
  const [old, now] = [workloads(before), workloads(after)];
  const added = [...now].filter((id) => !old.has(id)).map((id) => ({ id, change: 'added' as const }));
  const removed = [...old].filter((id) => !now.has(id)).map((id) => ({ id, change: 'removed' as const }));
  return [...added, ...removed].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function connectionDifferences(
  before: ReachabilitySnapshot,
  after: ReachabilitySnapshot,
  causes: DifferenceCauses,
): readonly ConnectionDifference[] {
  const changed = [...pairsOf(before, after)].filter((pair) => keyOf(pair.before) !== keyOf(pair.after));
  const caused = mergedFamilies(changed).flatMap((pair) => causes.of(pair));
  return mergedRanges(caused).map(({ from, to, family, before: old, after: now, causes: by, together }) => ({
    from: idOf(from),
    to: idOf(to),
    ...(family === undefined ? {} : { family }),
    added: difference(now, old),
    removed: difference(old, now),
    causes: by,
    ...(together.length === 0 ? {} : { together }),
  }));
}

type CausedPair = ReturnType<DifferenceCauses['of']>[number];
type Listed = ChangedPair['from'];

const idOf = (end: Listed): string => (typeof end === 'string' ? end : rangeId(end));

/** Every pair of both states, over each family. */
function pairsOf(before: ReachabilitySnapshot, after: ReachabilitySnapshot): Iterable<ChangedPair> {
  const ranges = commonRanges([...before.endpoints, ...after.endpoints]);
  const pairs = new Map<string, Omit<ChangedPair, 'before' | 'after'> & Record<'before' | 'after', PortSet>>();
  for (const state of ['before', 'after'] as const) {
    const { connections, endpoints } = state === 'before' ? before : after;
    const known = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const parts = (id: string): readonly Listed[] => partsOf(known.get(id), ranges) ?? [id];
    for (const { from, to, family, allowed } of connections)
      for (const source of parts(from))
        for (const destination of parts(to))
          for (const one of family === undefined ? families : [family]) {
            const key = `${idOf(source)} ${idOf(destination)} ${one}`;
            const pair = pairs.get(key) ?? {
              from: source,
              to: destination,
              family: one,
              before: noPorts,
              after: noPorts,
            };
            pair[state] = allowed;
            pairs.set(key, pair);
          }
  }
  return pairs.values();
}

/** The ranges outside in which no address differs from another, before and after. */
function commonRanges(endpoints: readonly ReachEndpoint[]): readonly ExternalRange[] {
  return families.flatMap((family) => {
    const ranges = endpoints.flatMap((one) =>
      one.kind === 'external' && familyOf(one.first) === family
        ? [{ first: addressToNumber(one.first), last: addressToNumber(one.last) }]
        : [],
    );
    return cutAtBorders(ranges).map((range) => makeRange(family, range));
  });
}

function partsOf(
  endpoint: ReachEndpoint | undefined,
  ranges: readonly ExternalRange[],
): readonly ExternalRange[] | undefined {
  if (endpoint?.kind !== 'external') return undefined;
  const [first, last] = [addressToNumber(endpoint.first), addressToNumber(endpoint.last)];
  const family = familyOf(endpoint.first);
  return ranges.filter((one) => one.family === family && first <= one.first && one.last <= last);
}

/** One entry where both families changed alike. */
function mergedFamilies(pairs: readonly ChangedPair[]): readonly ChangedPair[] {
  const merged = new Map<string, ChangedPair>();
  for (const pair of pairs) {
    const key = [idOf(pair.from), idOf(pair.to), keyOf(pair.before), keyOf(pair.after)].join('|');
    merged.set(key, merged.has(key) ? { ...pair, family: undefined } : pair);
  }
  return [...merged.values()];
}

/** Neighbouring ranges whose connections changed alike, and by the same, are one; the address says the family then. */
function mergedRanges(pairs: readonly CausedPair[]): readonly CausedPair[] {
  const groups = new Map<string, { readonly pair: CausedPair; readonly ranges: ExternalRange[] }>();
  const result: CausedPair[] = [];
  for (const pair of pairs) {
    const { from, to, before, after, causes, together } = pair;
    const range = typeof from === 'string' ? to : from;
    if (typeof range === 'string') {
      result.push(pair);
      continue;
    }
    const workloads = [from, to].map((one) => (typeof one === 'string' ? one : ''));
    const key = [...workloads, keyOf(before), keyOf(after), causes.join(), together.join()].join('|');
    const group = groups.get(key) ?? { pair, ranges: [] };
    group.ranges.push(range);
    groups.set(key, group);
  }
  for (const { pair, ranges } of groups.values())
    for (const range of joined(ranges))
      result.push({ ...pair, family: undefined, ...(typeof pair.from === 'string' ? { to: range } : { from: range }) });
  return result.sort((a, b) => compare(idOf(a.from), idOf(b.from)) || compare(idOf(a.to), idOf(b.to)));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byAddress = (a: ExternalRange, b: ExternalRange): number =>
  compare(a.family, b.family) || (a.first < b.first ? -1 : 1);

function joined(ranges: readonly ExternalRange[]): readonly ExternalRange[] {
  const result: ExternalRange[] = [];
  for (const range of [...ranges].sort(byAddress)) {
    const last = result.at(-1);
    if (last?.family === range.family && last.last + 1n === range.first)
      result[result.length - 1] = makeRange(range.family, { first: last.first, last: range.last });
    else result.push(range);
  }
  return result;
}
