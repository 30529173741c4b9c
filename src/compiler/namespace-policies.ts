import { everything, type Labels, type LabelSelector } from '../model/labels.js';
import type { AnyPolicy } from '../model/policy.js';
import type { Pod } from '../model/pod.js';
import { Candidates } from '../selectors/candidates.js';
import { enforcementBy, selects, type Enforcement, type EndpointSettings } from './endpoints.js';

/** Kinds of pods whose enforcement is kept; more than a node has pods. All are forgotten when there are more. */
const keptEnforcements = 256;

/**
 * The policies of one namespace, and what they come to for its pods: worked out once for all pods that no selector tells
 * apart, so that one more pod does not cost every policy that selects it; and a pod of another kind costs the policies that
 * name one of its labels.
 */
export class NamespacePolicies {
  readonly #policies = new Map<string, AnyPolicy>();
  readonly #candidates = new Candidates<string>();
  /** Labels that selectors ask for, by key: how many of them do. */
  readonly #askedFor = new Map<string, number>();
  /** By those of the pod's labels that selectors ask for; objects are shared, so they compare by identity first. */
  readonly #enforcements = new Map<string, Enforcement>();

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
    if (before !== undefined) {
      this.#candidates.remove(key, selectorOf(before));
      this.#countLabels(before, -1);
    }
    if (policy !== undefined) {
      this.#candidates.add(key, selectorOf(policy));
      this.#countLabels(policy, 1);
    }
    this.forget();
    return true;
  }

  /** What enforcement depends on beside policies and labels has changed. */
  forget(): void {
    this.#enforcements.clear();
  }

  /** What the policies that select the pod come to. */
  enforcementOn(pod: Pick<Pod, 'labels'>, settings: EndpointSettings): Enforcement {
    const key = this.#kindOf(pod.labels);
    const known = this.#enforcements.get(key);
    if (known !== undefined) return known;
    const enforcement = enforcementBy(this.#selecting(pod), settings);
    if (this.#enforcements.size >= keptEnforcements) this.forget();
    this.#enforcements.set(key, enforcement);
    return enforcement;
  }

  /** In the order of their keys. */
  #selecting(pod: Pick<Pod, 'labels'>): readonly AnyPolicy[] {
    return [...new Set(this.#candidates.of(pod.labels))].sort().flatMap((key) => {
      const policy = this.#policies.get(key);
      return policy !== undefined && selects(policy, pod) ? [policy] : [];
    });
  }

  /** Equal for pods that no selector tells apart. */
  #kindOf(labels: Labels): string {
    const asked = Object.entries(labels).filter(([label]) => this.#askedFor.has(label));
    return JSON.stringify(asked.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #countLabels(policy: AnyPolicy, change: 1 | -1): void {
    for (const { key } of selectorOf(policy).requirements) {
      const count = (this.#askedFor.get(key) ?? 0) + change;
      if (count > 0) this.#askedFor.set(key, count);
      else this.#askedFor.delete(key);
    }
  }
}

const selectorOf = ({ appliesTo }: AnyPolicy): LabelSelector =>
  appliesTo === 'wholeNamespace' ? everything : appliesTo;

/** What may change without any pod being isolated otherwise. */
const ofNoPod = { generation: undefined, bytes: undefined };

/** All of a policy that decides whom it isolates and how, as text. */
function withoutRules(policy: AnyPolicy | undefined): string | undefined {
  if (policy === undefined) return undefined;
  if (policy.kind === 'broken') return JSON.stringify({ ...policy, ...ofNoPod, diagnostics: undefined });
  const [ingress, egress] = [policy.ingress, policy.egress].map((rules) => rules && rules.length > 0);
  return JSON.stringify({ ...policy, ...ofNoPod, ingress, egress });
}
