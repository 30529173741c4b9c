/** Two reachabilities compared: what may be reached now and could not before, and the other way round. */
import { cutAtBorders } from '../addresses/address-ranges.js';
import { isolates, selects } from '../compiler/endpoints.js';
import { addressToNumber, families, familyOf, type Family } from '../model/address.js';
import { directions, policyKey, type AnyPolicy } from '../model/policy.js';
import type { Connection, PortSet, ReachEndpoint } from '../model/reachability.js';
import type { ConnectionDifference, PolicyDifference, ReachabilityDiff } from '../model/reachability-diff.js';
import { makeRange, rangeId, type ExternalRange } from '../evaluation/external-ranges.js';
import { difference, keyOf, noPorts } from '../evaluation/port-sets.js';

export interface ReachabilitySnapshot {
  readonly endpoints: readonly ReachEndpoint[];
  readonly connections: Iterable<Connection>;
  readonly policies: readonly AnyPolicy[];
}

export function diffReachability(before: ReachabilitySnapshot, after: ReachabilitySnapshot): ReachabilityDiff {
  const policies = policyDifferences(before.policies, after.policies);
  return {
    policies,
    endpoints: endpointDifferences(before.endpoints, after.endpoints),
    connections: connectionDifferences(before, after, policies),
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

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly family: Family | undefined;
  before: PortSet;
  after: PortSet;
}

function connectionDifferences(
  before: ReachabilitySnapshot,
  after: ReachabilitySnapshot,
  policies: readonly PolicyDifference[],
): readonly ConnectionDifference[] {
  const ranges = commonRanges([...before.endpoints, ...after.endpoints]);
  const pairs = new Map<string, Pair>();
  for (const state of ['before', 'after'] as const) {
    const { connections, endpoints } = state === 'before' ? before : after;
    const known = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const parts = (id: string): readonly string[] => partsOf(known.get(id), ranges) ?? [id];
    for (const { from, to, family, allowed } of connections)
      for (const source of parts(from))
        for (const destination of parts(to))
          for (const one of family === undefined ? families : [family]) {
            const key = `${source} ${destination} ${one}`;
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
  const changed = [...pairs.values()].filter((pair) => keyOf(pair.before) !== keyOf(pair.after));
  const causesOf = causes(before, after, policies);
  return mergedRanges(mergedFamilies(changed), ranges).map(({ from, to, family, before: old, after: now }) => ({
    from,
    to,
    ...(family === undefined ? {} : { family }),
    added: difference(now, old),
    removed: difference(old, now),
    causes: causesOf(from, to),
  }));
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

function partsOf(endpoint: ReachEndpoint | undefined, ranges: readonly ExternalRange[]): readonly string[] | undefined {
  if (endpoint?.kind !== 'external') return undefined;
  const [first, last] = [addressToNumber(endpoint.first), addressToNumber(endpoint.last)];
  const family = familyOf(endpoint.first);
  return ranges.filter((one) => one.family === family && first <= one.first && one.last <= last).map(rangeId);
}

/** One entry where both families changed alike. */
function mergedFamilies(pairs: readonly Pair[]): readonly Pair[] {
  const merged = new Map<string, Pair>();
  const key = (pair: Pair): string => [pair.from, pair.to, keyOf(pair.before), keyOf(pair.after)].join('|');
  for (const pair of pairs) {
    const same = merged.get(key(pair));
    merged.set(key(pair), same === undefined ? pair : { ...pair, family: undefined });
  }
  return [...merged.values()];
}

/** Neighbouring ranges whose connections changed alike are one; the family is said by the address then. */
function mergedRanges(pairs: readonly Pair[], ranges: readonly ExternalRange[]): readonly Pair[] {
  const places = new Map(ranges.map((range, index) => [rangeId(range), index]));
  const groups = new Map<string, { readonly pair: Pair; readonly at: number[]; readonly isSource: boolean }>();
  const result: Pair[] = [];
  for (const pair of pairs) {
    const [source, destination] = [places.get(pair.from), places.get(pair.to)];
    const at = source ?? destination;
    if (at === undefined) {
      result.push(pair);
      continue;
    }
    const isSource = source !== undefined;
    const key = [isSource ? pair.to : pair.from, isSource, keyOf(pair.before), keyOf(pair.after)].join('|');
    const group = groups.get(key) ?? { pair, at: [], isSource };
    group.at.push(at);
    groups.set(key, group);
  }
  for (const { pair, at, isSource } of groups.values())
    for (const range of joined(at.sort((a, b) => a - b).flatMap((index) => ranges[index] ?? [])))
      result.push({ ...pair, family: undefined, ...(isSource ? { from: rangeId(range) } : { to: rangeId(range) }) });
  return result.sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function joined(ranges: readonly ExternalRange[]): readonly ExternalRange[] {
  const result: ExternalRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last?.family === range.family && last.last + 1n === range.first)
      result[result.length - 1] = makeRange(range.family, { first: last.first, last: range.last });
    else result.push(range);
  }
  return result;
}

function causes(before: ReachabilitySnapshot, after: ReachabilitySnapshot, differences: readonly PolicyDifference[]) {
  const changed = new Set(differences.map(({ policy }) => policy));
  const policies = [...before.policies, ...after.policies].filter(({ ref }) => changed.has(policyKey(ref)));
  const byId = new Map([...before.endpoints, ...after.endpoints].map((endpoint) => [endpoint.id, endpoint]));
  const selecting = (id: string, direction: (typeof directions)[number]): readonly string[] => {
    const endpoint = byId.get(id);
    if (endpoint?.kind !== 'workload') return [];
    return policies
      .filter(
        (policy) =>
          policy.ref.namespace === endpoint.namespace && isolates(policy, direction) && selects(policy, endpoint),
      )
      .map(({ ref }) => policyKey(ref));
  };
  return (from: string, to: string): readonly string[] =>
    [...new Set([...selecting(from, 'egress'), ...selecting(to, 'ingress')])].sort();
}
