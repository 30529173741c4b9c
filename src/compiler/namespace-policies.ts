import { labelOf } from '../model/labels.js';
import type { AnyPolicy } from '../model/policy.js';
import type { Pod } from '../model/pod.js';
import { enforcementBy, selects, type Enforcement, type EndpointSettings } from './endpoints.js';

/** Kinds of pods whose enforcement is kept; more than a node has pods. All are forgotten when there are more. */
const keptEnforcements = 256;

/**
 * The policies of one namespace, and what they come to for its pods: worked out once for all pods that no selector tells
 * apart, so that one more pod does not cost every policy that selects it.
 */
export class NamespacePolicies {
  readonly #policies = new Map<string, AnyPolicy>();
  /** By the pod's values of the labels that selectors ask for; objects are shared, so they compare by identity first. */
  readonly #enforcements = new Map<string, Enforcement>();
  #labels: readonly string[] | undefined;

  get(key: string): AnyPolicy | undefined {
    return this.#policies.get(key);
  }

  values(): Iterable<AnyPolicy> {
    return this.#policies.values();
  }

  get isEmpty(): boolean {
    return this.#policies.size === 0;
  }

  /** @returns whether it may isolate other pods, or otherwise; false where only its rules say something else. */
  set(key: string, policy: AnyPolicy | undefined): boolean {
    const before = this.#policies.get(key);
    if (policy === undefined) this.#policies.delete(key);
    else this.#policies.set(key, policy);
    if (withoutRules(before) === withoutRules(policy)) return false;
    this.#labels = undefined;
    this.forget();
    return true;
  }

  /** What enforcement depends on beside policies and labels has changed. */
  forget(): void {
    this.#enforcements.clear();
  }

  /** What the policies that select the pod come to. */
  enforcementOn(pod: Pick<Pod, 'labels'>, settings: EndpointSettings): Enforcement {
    this.#labels ??= labelsAskedFor(this.#policies.values());
    const key = JSON.stringify(this.#labels.map((label) => labelOf(pod.labels, label) ?? null));
    const known = this.#enforcements.get(key);
    if (known !== undefined) return known;
    const selecting = [...this.#policies].filter(([, policy]) => selects(policy, pod));
    const sorted = selecting.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, policy]) => policy);
    const enforcement = enforcementBy(sorted, settings);
    if (this.#enforcements.size >= keptEnforcements) this.forget();
    this.#enforcements.set(key, enforcement);
    return enforcement;
  }
}

function labelsAskedFor(policies: Iterable<AnyPolicy>): readonly string[] {
  const labels = new Set<string>();
  for (const { appliesTo } of policies)
    if (appliesTo !== 'wholeNamespace') for (const { key } of appliesTo.requirements) labels.add(key);
  return [...labels];
}

/** What may change without any pod being isolated otherwise. */
const ofNoPod = { generation: undefined, bytes: undefined };

/** All of a policy that decides whom it isolates and how, as text. */
function withoutRules(policy: AnyPolicy | undefined): string | undefined {
  if (policy === undefined) return undefined;
  if (policy.kind === 'broken') return JSON.stringify({ ...policy, ...ofNoPod, diagnostics: undefined });
  const [ingress, egress] = [policy.ingress, policy.egress].map((rules) => rules && rules.length > 0);
  return JSON.stringify({ ...policy, ...ofNoPod, ingress, egress });
}
