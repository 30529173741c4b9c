import type { ClusterChange } from '../model/cluster.js';
import { isDryRun, modeIn, type DryRunScope, type PolicyMode } from '../model/policy-mode.js';
import { policyKey, type AnyPolicy, type BrokenPolicy, type PolicyRef } from '../model/policy.js';
import type { Namespace, ObjectRef } from '../model/pod.js';
import { failingReasons } from './enforced-policies.js';
import type { FailingPolicy } from './types.js';

const guardAnnotation = 'podwall.dev/source-guard';

/** What the loop keeps of the cluster: which policies fail closed, and which namespaces opted out of the source guard. */
export class ClusterView {
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #failing = new Map<string, BrokenPolicy>();
  readonly #guardOff = new Set<string>();
  /** Of the namespaces whose policies are all in a dry run. */
  readonly #dryRunNamespaces = new Map<string, Namespace>();
  readonly #scope: DryRunScope;

  /** @param mode `dry-run`: every policy is in a dry run */
  constructor(mode: PolicyMode = 'enforce') {
    this.#scope = mode === 'dry-run' ? 'all' : 'annotated';
  }

  /** @returns whether a namespace opted out of the source guard, or in again. */
  apply(changes: readonly ClusterChange[]): { readonly guardsChanged: boolean } {
    let guardsChanged = false;
    for (const change of changes) {
      if (change.kind === 'policy') this.#applyPolicy(policyKey(change.ref), change.policy);
      if (change.kind !== 'namespace') continue;
      this.#applyNamespace(change.name, change.namespace);
      const off = change.namespace?.annotations[guardAnnotation] === 'off';
      guardsChanged ||= off !== this.#guardOff.has(change.name);
      setPresent(this.#guardOff, change.name, off);
    }
    return { guardsChanged };
  }

  get policyCount(): number {
    return this.#policies.size;
  }

  policies(): readonly AnyPolicy[] {
    return [...this.#policies.values()];
  }

  get guardOffNamespaces(): ReadonlySet<string> {
    return this.#guardOff;
  }

  /** Policies in a dry run. */
  dryRun(): PolicyRef[] {
    return this.policies()
      .filter((policy) => this.#isDryRun(policy))
      .map(({ ref }) => ref)
      .sort((a, b) => (policyKey(a) < policyKey(b) ? -1 : 1));
  }

  /** Policies that fail closed. One in a dry run drops nothing, so it is none of them. */
  failing(): FailingPolicy[] {
    return [...this.#failing.values()]
      .filter((policy) => !this.#isDryRun(policy))
      .map((policy) => ({
        ...policy.ref,
        ...(policy.uid === undefined ? {} : { uid: policy.uid }),
        reasons: failingReasons(policy),
      }))
      .sort((a, b) => (policyKey(a) < policyKey(b) ? -1 : 1));
  }

  #isDryRun(policy: AnyPolicy): boolean {
    return isDryRun(policy, this.#dryRunNamespaces.get(policy.ref.namespace), this.#scope);
  }

  #applyNamespace(name: string, namespace: Namespace | undefined): void {
    if (namespace !== undefined && modeIn(namespace.annotations) === 'dry-run')
      this.#dryRunNamespaces.set(name, namespace);
    else this.#dryRunNamespaces.delete(name);
  }

  #applyPolicy(key: string, policy: AnyPolicy | undefined): void {
    if (policy === undefined) this.#policies.delete(key);
    else this.#policies.set(key, policy);
    if (policy?.kind === 'broken') this.#failing.set(key, policy);
    else this.#failing.delete(key);
  }
}

/** The namespaces of `pods`: with --source-guard=off, all of them are opted out. */
export const namespacesOf = (pods: readonly { readonly pod: ObjectRef }[]): ReadonlySet<string> =>
  new Set(pods.map(({ pod }) => pod.namespace));

function setPresent(set: Set<string>, name: string, isPresent: boolean): void {
  if (isPresent) set.add(name);
  else set.delete(name);
}
