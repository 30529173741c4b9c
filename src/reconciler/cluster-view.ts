import type { ClusterChange } from '../model/cluster.js';
import { policyKey, type AnyPolicy, type BrokenPolicy } from '../model/policy.js';
import type { ObjectRef } from '../model/pod.js';
import { failingReasons } from './enforced.js';
import type { FailingPolicy } from './types.js';

const guardAnnotation = 'podwall.dev/source-guard';

/** What the loop itself must remember of the cluster: which policies fail closed, and who opted out of the source guard. */
export class ClusterView {
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #failing = new Map<string, BrokenPolicy>();
  readonly #guardOff = new Set<string>();

  /** @returns whether a namespace opted out of the source guard, or in again. */
  apply(changes: readonly ClusterChange[]): { readonly guardsChanged: boolean } {
    let guardsChanged = false;
    for (const change of changes) {
      if (change.kind === 'policy') this.#applyPolicy(policyKey(change.ref), change.policy);
      if (change.kind !== 'namespace') continue;
      const off = change.namespace?.annotations[guardAnnotation] === 'off';
      guardsChanged ||= off !== this.#guardOff.has(change.name);
      if (off) this.#guardOff.add(change.name);
      else this.#guardOff.delete(change.name);
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

  failing(): FailingPolicy[] {
    return [...this.#failing.values()]
      .map((policy) => ({
        ...policy.ref,
        ...(policy.uid === undefined ? {} : { uid: policy.uid }),
        reasons: failingReasons(policy),
      }))
      .sort((a, b) => (policyKey(a) < policyKey(b) ? -1 : 1));
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
