/**
 * Which changed policies make a difference of reachability: those whose change alone makes some of it, or without whose
 * change alone some of it would not be. What a policy adds to an endpoint's verdict depends on no other policy, so
 * every mixture of old and new policies is put together from the verdicts of all old and of all new ones.
 */
import { isDeepStrictEqual } from 'node:util';
import { Evaluator } from '../evaluation/evaluator.js';
import { externalRanges, partsOf, type ExternalRange } from '../evaluation/external-ranges.js';
import { addressesOf, commonFamilies, type FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { allPorts, difference, intersection, noPorts, union } from '../evaluation/port-sets.js';
import { allowanceIn, packetOrder, type DirectionVerdict } from '../evaluation/verdicts.js';
import { families, type Family } from '../model/address.js';
import { policyKey, type AnyPolicy, type Direction } from '../model/policy.js';
import type { DryRunScope } from '../model/policy-mode.js';
import type { PortSet } from '../model/reachability.js';
import type { Workload } from '../model/workload.js';
import { isolates, selects } from '../compiler/endpoints.js';
import { groupBy } from '../generic/group-by.js';
import type { CompiledInput } from './compiled-input.js';
import { compileWorkloads } from './compiled-workloads.js';

export interface ChangedPair {
  readonly from: string | ExternalRange;
  readonly to: string | ExternalRange;
  /** Absent: the same in all that both ends have. */
  readonly family: Family | undefined;
  readonly before: PortSet;
  readonly after: PortSet;
}

interface Causes {
  readonly causes: readonly string[];
  /** Where no single policy makes it: a smallest set that does. Empty: no policies do. */
  readonly together: readonly string[];
}

const noCauses: Causes = { causes: [], together: [] };

/** The objects of one state, with its own policies and with those of the other state. */
interface State {
  readonly kind: 'before' | 'after';
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly own: Evaluator;
  readonly other: Evaluator;
}

interface Connecting {
  readonly from: FlowEndpoint;
  readonly to: FlowEndpoint;
}

export class DifferenceCauses {
  readonly #before: State;
  readonly #after: State;
  readonly #ranges: readonly ExternalRange[];
  readonly #sameObjects: boolean;
  readonly #changed: ReadonlyMap<string, readonly AnyPolicy[]>;

  constructor(
    { before, after }: { readonly before: CompiledInput; readonly after: CompiledInput },
    changed: ReadonlySet<string>,
    dryRun: DryRunScope,
  ) {
    const compile = ({ workloads, objects: { namespaces } }: CompiledInput, { objects: { policies } }: CompiledInput) =>
      compileWorkloads(workloads, { policies, namespaces }, dryRun);
    const programs = [compile(before, after), compile(after, before)] as const;
    this.#before = stateOf('before', before, programs[0]);
    this.#after = stateOf('after', after, programs[1]);
    this.#ranges = families.flatMap((family) => externalRanges([before.program, after.program, ...programs], family));
    this.#sameObjects = isDeepStrictEqual(comparable(before), comparable(after));
    const policies = [...before.objects.policies, ...after.objects.policies];
    this.#changed = groupBy(
      policies.filter(({ ref }) => changed.has(policyKey(ref))),
      ({ ref }) => ref.namespace,
    );
  }

  /** Parts of a pair, each with its causes; several where a range of addresses has not the same ones everywhere. */
  of(pair: ChangedPair): readonly (ChangedPair & Causes)[] {
    const candidates = [...new Set([...this.#selecting(pair.from, 'egress'), ...this.#selecting(pair.to, 'ingress')])];
    candidates.sort();
    if (candidates.length === 0) return [{ ...pair, ...noCauses }];
    if (candidates.length === 1 && this.#sameObjects) return [{ ...pair, causes: candidates, together: [] }];
    const parts = (end: string | ExternalRange): readonly (string | ExternalRange)[] =>
      typeof end === 'string' ? [end] : partsOf(end, this.#ranges);
    return parts(pair.from).flatMap((from) =>
      parts(pair.to).map((to) => {
        const part = { ...pair, from, to };
        return { ...part, ...this.#causesAmong(candidates, part) };
      }),
    );
  }

  /** Changed policies of the endpoint, in either state. */
  #selecting(end: string | ExternalRange, direction: Direction): readonly string[] {
    if (typeof end !== 'string') return [];
    const workloads = [this.#before, this.#after].flatMap(({ workloads: of }) => of.get(end) ?? []);
    return workloads.flatMap((workload) =>
      (this.#changed.get(workload.namespace) ?? [])
        .filter((policy) => isolates(policy, direction) && selects(policy, workload))
        .map(({ ref }) => policyKey(ref)),
    );
  }

  #causesAmong(candidates: readonly string[], pair: ChangedPair): Causes {
    const moves = (state: State, changed: ReadonlySet<string>): boolean => movesPorts(state, changed, pair);
    const isCause = (policy: string): boolean => {
      const only = new Set([policy]);
      return moves(this.#before, only) || moves(this.#after, only);
    };
    const causes = candidates.filter(isCause);
    if (causes.length > 0) return { causes, together: [] };
    for (const state of [this.#before, this.#after])
      if (moves(state, new Set(candidates)))
        return { causes: [], together: smallest(candidates, (some) => moves(state, new Set(some))) };
    return noCauses;
  }
}

/** A set that has the property, and loses it without any one of its members. */
function smallest(all: readonly string[], has: (some: readonly string[]) => boolean): readonly string[] {
  return all.reduce((left, one) => {
    const without = left.filter((other) => other !== one);
    return has(without) ? without : left;
  }, all);
}

const comparable = ({ objects, workloads, blocks }: CompiledInput): readonly unknown[] => [
  objects.pods,
  objects.namespaces,
  workloads,
  blocks,
];

const stateOf = (
  kind: State['kind'],
  { workloads, program, blocks }: CompiledInput,
  other: CompiledInput['program'],
): State => ({
  kind,
  workloads: new Map(workloads.map((workload) => [workload.id, workload])),
  own: new Evaluator(program, blocks),
  other: new Evaluator(other, blocks),
});

/** Whether in this state some ports of the difference go the other way when these policies are those of the other state. */
function movesPorts(
  state: State,
  changed: ReadonlySet<string>,
  { from, to, family, before, after }: ChangedPair,
): boolean {
  const [source, destination] = [endpointIn(state, from), endpointIn(state, to)];
  if (source === undefined || destination === undefined) return false;
  const pair = { from: source, to: destination };
  const own = state.kind === 'before' ? before : after;
  const differing = union(difference(after, before), difference(before, after));
  const moves = (over: readonly Family[]): boolean => {
    const mixed = over.map((one) => allowedWith(state, changed, pair, one)).reduce(union, noPorts);
    const moved = union(difference(mixed, own), difference(own, mixed));
    return intersection(moved, differing).length > 0;
  };
  if (family !== undefined) return moves([family]);
  const common = commonFamilies(pair.from, pair.to);
  // Nobody knows which family two pods without addresses will have: either is enough for them.
  if (addressesOf(pair.from).length === 0 && addressesOf(pair.to).length === 0) return moves(common);
  return common.some((one) => moves([one]));
}

function endpointIn({ workloads }: State, end: string | ExternalRange): FlowEndpoint | undefined {
  if (typeof end !== 'string') return { kind: 'address', address: end.sample, range: end };
  const workload = workloads.get(end);
  return workload && { kind: 'workload', workload };
}

/** What is allowed where these policies are those of the other state, and all others those of this one. */
function allowedWith(state: State, changed: ReadonlySet<string>, { from, to }: Connecting, family: Family): PortSet {
  return packetOrder
    .map((direction) => {
      const [own, peer] = direction === 'egress' ? [from, to] : [to, from];
      const verdict = (evaluator: Evaluator): DirectionVerdict => evaluator.verdict(own, peer, { family, direction });
      return allowanceIn(mixed(verdict(state.own), verdict(state.other), changed)).ports;
    })
    .reduce(intersection, allPorts);
}

/** The changed policies' part of `other`, and the rest of `own`. */
function mixed(own: DirectionVerdict, other: DirectionVerdict, changed: ReadonlySet<string>): DirectionVerdict {
  if (own.kind === 'itself' || own.kind === 'ownNode' || own.kind === 'notEnforced') return own;
  const [kept, taken] = [partBy(own, (policy) => !changed.has(policy)), partBy(other, (policy) => changed.has(policy))];
  const by = [...kept.by, ...taken.by];
  return by.length === 0 ? { kind: 'notIsolated' } : { kind: 'isolated', by, rules: [...kept.rules, ...taken.rules] };
}

type Isolated = Extract<DirectionVerdict, { kind: 'isolated' }>;

const partBy = (verdict: DirectionVerdict, isPart: (policy: string) => boolean): Pick<Isolated, 'by' | 'rules'> =>
  verdict.kind === 'isolated'
    ? {
        by: verdict.by.filter((policy) => isPart(policyKey(policy))),
        rules: verdict.rules.filter(({ origin }) => isPart(policyKey(origin.policy))),
      }
    : { by: [], rules: [] };
