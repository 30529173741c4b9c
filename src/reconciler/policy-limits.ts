/**
 * Between the cluster's changes and the compiler: counts every policy when it changes, names what is over a limit, and gives
 * on what must not be enforced as written as a policy that fails closed.
 *
 *   changes --> count --> own limits, limits of the namespace, memory --> the same changes, policies perhaps BrokenPolicy
 */
import type { ClusterChange } from '../model/cluster.js';
import { objectKey, type Pod } from '../model/pod.js';
import type { Diagnostic } from '../model/diagnostic.js';
import { policyKey, type AnyPolicy, type PolicyRef } from '../model/policy.js';
import type { ProgramChange } from '../program/types.js';
import { excessText, standardLimits, type LimitSettings } from '../limits/limits.js';
import { MemoryCeiling, type Newcomer } from '../limits/memory-ceiling.js';
import { policyWeight, standardPolicyMemory } from '../limits/memory-weights.js';
import { NamespaceCounts, type CountedPolicy } from '../limits/namespace-counts.js';
import type { OverLimit } from '../limits/over-limit.js';
import { countPolicy, policyExcesses } from '../limits/policy-counts.js';
import { OverLimits } from './over-limits.js';
import { refusedPolicy } from './quarantine.js';
import type { ReconcilerLog } from './types.js';

export interface PolicyLimitOptions extends LimitSettings {
  /** Of the agent: in namespaces without a pod on it, policies take less memory. */
  readonly node: string;
  /** Bytes that all policies of this node may take together, as estimated. */
  readonly memory: number;
}

const standard: PolicyLimitOptions = { node: '', mode: 'warn', limits: standardLimits, memory: standardPolicyMemory };

interface Namespace {
  readonly counts: NamespaceCounts;
  readonly localPods: Set<string>;
  /** Those that fail closed in the program because of the limits of their namespace. */
  beyond: ReadonlyMap<string, Diagnostic>;
}

const none: ReadonlyMap<string, Diagnostic> = new Map();

export class PolicyLimits {
  readonly #options: PolicyLimitOptions;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #memory: MemoryCeiling;
  readonly #over: OverLimits;
  readonly #namespaceUids = new Map<string, string>();
  /** Why the compiler was given a policy that fails closed instead of this one. */
  readonly #refused = new Map<string, string>();

  constructor(log: ReconcilerLog, options: PolicyLimitOptions = standard) {
    this.#options = options;
    this.#memory = new MemoryCeiling(options.memory);
    this.#over = new OverLimits(options, log);
  }

  /**
   * The changes as the compiler is to see them. A change may decide about other policies, which are appended: of its
   * namespace, and of others that waited for memory.
   */
  apply(changes: readonly ClusterChange[]): readonly ClusterChange[] {
    const others: ClusterChange[] = [];
    /** By namespace: the policies to decide about, or all. */
    const due = new Map<string, Set<string> | 'all'>();
    const policies = new Map<string, PolicyRef>();
    for (const change of changes) {
      if (change.kind === 'policy') {
        policies.set(policyKey(change.ref), change.ref);
        this.#take(change.ref, change.policy, due);
        continue;
      }
      others.push(change);
      if (change.kind === 'namespace') this.#takeNamespace(change.name, change.namespace?.uid);
      if (change.kind === 'pod') this.#takePod(objectKey(change.ref), change.ref.namespace, change.pod, due);
    }
    const gone = [...policies].filter(([key, { namespace }]) => this.#counted(namespace, key) === undefined);
    const deletions = gone.map(([, ref]): ClusterChange => ({ kind: 'policy', ref }));
    const decided = this.#decide(due, policies);
    this.#over.log();
    return [...others, ...deletions, ...decided];
  }

  /** Endpoints that changed, with the policies that isolate them. */
  endpointsChanged(changed: ProgramChange['endpoints']): void {
    for (const { key, after } of changed) this.#over.takePod(key, after);
    this.#over.log();
  }

  /** Everything that is over a limit now. */
  over(): readonly OverLimit[] {
    return this.#over.all();
  }

  /** What the policies of this node take by estimate, in bytes. */
  get memory(): number {
    return this.#memory.total;
  }

  #namespace(name: string): Namespace {
    const known = this.#namespaces.get(name) ?? {
      counts: new NamespaceCounts(this.#options.limits),
      localPods: new Set<string>(),
      beyond: none,
    };
    this.#namespaces.set(name, known);
    return known;
  }

  #counted(namespace: string, key: string): CountedPolicy | undefined {
    return this.#namespaces.get(namespace)?.counts.get(key);
  }

  #take(ref: PolicyRef, policy: AnyPolicy | undefined, due: Map<string, Set<string> | 'all'>): void {
    const key = policyKey(ref);
    const { counts } = this.#namespace(ref.namespace);
    const counted = policy && this.#count(key, policy);
    counts.set(key, counted);
    this.#over.takePolicy(ref, counted);
    this.#over.takeNamespace(ref.namespace, this.#namespaceUids.get(ref.namespace), counts);
    if (counted === undefined) {
      this.#over.takeMemory({ ref }, undefined);
      this.#memory.leave(key);
      this.#refused.delete(key);
    }
    this.#note(ref.namespace, key, due);
    this.#tidy(ref.namespace);
  }

  #takeNamespace(name: string, uid: string | undefined): void {
    if (uid === undefined) this.#namespaceUids.delete(name);
    else this.#namespaceUids.set(name, uid);
  }

  #count(key: string, policy: AnyPolicy): CountedPolicy {
    const counts = countPolicy(policy);
    const excesses = policyExcesses(policy, counts, this.#options.limits);
    return { key, policy, counts, excesses, isRefused: this.#options.mode === 'enforce' && excesses.length > 0 };
  }

  #takePod(key: string, namespace: string, pod: Pod | undefined, due: Map<string, Set<string> | 'all'>): void {
    const { localPods } = this.#namespace(namespace);
    const before = localPods.size > 0;
    if (pod?.node === this.#options.node) localPods.add(key);
    else localPods.delete(key);
    if (before !== localPods.size > 0) due.set(namespace, 'all');
    this.#tidy(namespace);
  }

  #tidy(name: string): void {
    const { counts, localPods } = this.#namespace(name);
    if (counts.size === 0 && localPods.size === 0) this.#namespaces.delete(name);
  }

  #note(namespace: string, key: string, due: Map<string, Set<string> | 'all'>): void {
    const noted = due.get(namespace);
    if (noted === undefined) due.set(namespace, new Set([key]));
    else if (noted !== 'all') noted.add(key);
  }

  /** @param changed policies that the compiler must hear of even when their answer is the same */
  #decide(
    due: ReadonlyMap<string, Set<string> | 'all'>,
    changed: ReadonlyMap<string, PolicyRef>,
  ): readonly ClusterChange[] {
    const newcomers: Newcomer[] = [];
    const refusals = new Map<string, readonly Diagnostic[]>();
    for (const [name, keys] of due) {
      const namespace = this.#namespaces.get(name);
      if (namespace === undefined) continue;
      const { counts, localPods } = namespace;
      const before = namespace.beyond;
      namespace.beyond = this.#options.mode === 'enforce' ? counts.beyond() : none;
      const concerned = keys === 'all' ? [] : [...new Set([...keys, ...differing(before, namespace.beyond)])];
      for (const one of keys === 'all' ? counts.policies() : concerned.flatMap((key) => counts.get(key) ?? [])) {
        const young = namespace.beyond.get(one.key);
        const diagnostics = [...(one.isRefused ? one.excesses.map(diagnosticOf) : []), ...(young ? [young] : [])];
        if (diagnostics.length > 0) refusals.set(one.key, diagnostics);
        const isUsed = localPods.size > 0 && diagnostics.length === 0;
        newcomers.push({ key: one.key, policy: one.policy, weight: policyWeight(one.counts), isUsed });
      }
    }
    const settled = this.#memory.settle(newcomers);
    return [...settled].flatMap((key) => this.#answer(key, refusals.get(key) ?? [], changed.has(key)));
  }

  /** The change of one policy, unless the compiler has it. */
  #answer(key: string, refusals: readonly Diagnostic[], isChanged: boolean): readonly ClusterChange[] {
    const counted = this.#counted(key.slice(0, key.indexOf('/')), key);
    if (counted === undefined) return [];
    const { policy } = counted;
    const noMemory = this.#memory.isRefused(key) ? this.#refusalOf(counted) : undefined;
    this.#over.takeMemory(policy, noMemory);
    const diagnostics = noMemory === undefined ? refusals : [...refusals, memoryDiagnostic(noMemory.message)];
    const why = diagnostics.map(({ message }) => message).join('; ');
    const isSame = (this.#refused.get(key) ?? '') === why;
    if (why === '') this.#refused.delete(key);
    else this.#refused.set(key, why);
    if (isSame && !isChanged) return [];
    const given = why === '' || policy.kind === 'broken' ? policy : refusedPolicy(policy, diagnostics);
    return [{ kind: 'policy', ref: policy.ref, policy: given }];
  }

  #refusalOf({ counts }: CountedPolicy): Pick<OverLimit, 'count' | 'most' | 'message'> {
    const most = this.#options.memory;
    const { held, inForce } = policyWeight(counts);
    const count = held + inForce;
    const message =
      `it would take about ${megabytes(count)} MB, which is not left of the ${megabytes(most)} MB ` +
      'for the policies of a node (--max-policy-memory)';
    return { count, most, message };
  }
}

/** Below the limits of the namespace a policy decides about itself alone; beyond them, also about those that it displaces. */
function differing(before: ReadonlyMap<string, Diagnostic>, after: ReadonlyMap<string, Diagnostic>): readonly string[] {
  if (before.size === 0 && after.size === 0) return [];
  const changed = [...after].filter(([key, { message }]) => before.get(key)?.message !== message);
  return [...changed.map(([key]) => key), ...[...before.keys()].filter((key) => !after.has(key))];
}

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

const memoryDiagnostic = (message: string): Diagnostic => ({
  code: 'no-memory',
  severity: 'error',
  path: ['spec'],
  message,
});

const diagnosticOf = (excess: CountedPolicy['excesses'][number]): Diagnostic => ({
  code: 'over-limit',
  severity: 'error',
  path: excess.path,
  message: excessText(excess),
});
