/** What a record rests on: the policies and the pods' identities of its moment, named by their content and kept beside the log. */
import { isDryRun, type PolicyMode } from '../../model/policy-mode.js';
import type { ClusterChange } from '../../model/cluster.js';
import { policyKey, type AnyPolicy } from '../../model/policy.js';
import type { Namespace, Pod } from '../../model/pod.js';
import type { PacketEndpoint, LoggedPacket } from '../attribution/logged-packet.js';
import { identityId, policySetId, podIdentity, type ContentId, type SnapshotStore } from './snapshots.js';
import { Timeline } from '../timeline.js';

/** The fields of a record that name it. */
export interface SnapshotReferences {
  readonly snapshot?: ContentId;
  readonly source?: ContentId;
  readonly destination?: ContentId;
}

export interface SnapshotRecorderOptions {
  readonly store: Pick<SnapshotStore, 'keepPolicies' | 'keepIdentity'>;
  /** What could not be kept; the record names it all the same. */
  readonly onFailure: (error: unknown) => void;
  /** `audit`: the whole agent is in a dry run. */
  readonly mode?: PolicyMode;
}

/** Records lag behind their packets by seconds; milliseconds. */
const past = { kept: 10 * 60_000, pastKeys: 4096 };

interface PolicySet {
  readonly id: ContentId;
  readonly policies: readonly AnyPolicy[];
}

type PoliciesOfNamespace = ReadonlyMap<string, AnyPolicy>;
const none: PoliciesOfNamespace = new Map();

export class SnapshotRecorder {
  readonly #options: SnapshotRecorderOptions;
  readonly #policies = new Timeline<string, PoliciesOfNamespace>(past);
  readonly #namespaces = new Timeline<string, Namespace>(past);
  /** Ids of sets that did not change cost nothing; by the first namespace's policies, then the second's. */
  readonly #sets = new WeakMap<PoliciesOfNamespace, WeakMap<PoliciesOfNamespace, PolicySet>>();
  readonly #identityIds = new WeakMap<Pod, { readonly namespace: Namespace; readonly id: ContentId }>();

  constructor(options: SnapshotRecorderOptions) {
    this.#options = options;
  }

  /** What is in force from `time` on, in milliseconds since the epoch. */
  changesApplied(changes: readonly ClusterChange[], time: number): void {
    const changed = new Map<string, Map<string, AnyPolicy>>();
    const policiesOf = (namespace: string): Map<string, AnyPolicy> => {
      const policies = changed.get(namespace) ?? new Map(this.#policies.latest(namespace, time));
      changed.set(namespace, policies);
      return policies;
    };
    for (const change of changes) {
      if (change.kind === 'namespace') {
        const before = this.#namespaces.latest(change.name, time);
        this.#namespaces.set(change.name, change.namespace, time);
        if (isAllDryRun(before) !== isAllDryRun(change.namespace)) policiesOf(change.name);
      }
      if (change.kind !== 'policy') continue;
      const policies = policiesOf(change.ref.namespace);
      if (change.policy === undefined) policies.delete(policyKey(change.ref));
      else policies.set(policyKey(change.ref), change.policy);
    }
    for (const [namespace, policies] of changed) this.#policies.set(namespace, policies, time);
  }

  /** Policies judge pods of their own namespace: those of both ends' namespaces are all that a verdict rests on. */
  referencesFor({ source, destination, packet: { time } }: LoggedPacket): SnapshotReferences {
    const ends = { source: this.#identityOf(source, time), destination: this.#identityOf(destination, time) };
    const namespaces = [source, destination].flatMap(({ pod }) => (pod === undefined ? [] : [pod.ref.namespace]));
    const snapshot = namespaces.length === 0 ? undefined : this.#snapshotOf([...new Set(namespaces)].sort(), time);
    return {
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(ends.source === undefined ? {} : { source: ends.source }),
      ...(ends.destination === undefined ? {} : { destination: ends.destination }),
    };
  }

  #snapshotOf(namespaces: readonly string[], time: number): ContentId {
    const [first = none, second = none] = namespaces.map((name) => this.#policies.at(name, time) ?? none);
    const known = this.#sets.get(first)?.get(second);
    const set = known ?? policySet(namespaces.flatMap((name) => this.#inForce(name, time)));
    if (known === undefined) this.#sets.set(first, (this.#sets.get(first) ?? new WeakMap()).set(second, set));
    this.#options.store.keepPolicies(set.id, set.policies).catch(this.#options.onFailure);
    return set.id;
  }

  /** What a namespace or the agent tries, its policies are told to try. */
  #inForce(namespace: string, time: number): readonly AnyPolicy[] {
    const policies = [...(this.#policies.at(namespace, time) ?? none).values()];
    const dryRun = this.#options.mode === 'dry-run' || isAllDryRun(this.#namespaces.at(namespace, time));
    return dryRun ? policies.map((policy) => ({ ...policy, mode: 'dry-run' as const })) : policies;
  }

  #identityOf({ pod }: PacketEndpoint, time: number): ContentId | undefined {
    const namespace = pod && this.#namespaces.at(pod.ref.namespace, time);
    if (pod === undefined || namespace === undefined) return undefined;
    const known = this.#identityIds.get(pod);
    const identity = podIdentity(pod, namespace);
    const id = known?.namespace === namespace ? known.id : identityId(identity);
    this.#identityIds.set(pod, { namespace, id });
    this.#options.store.keepIdentity(id, identity).catch(this.#options.onFailure);
    return id;
  }
}

const policySet = (policies: readonly AnyPolicy[]): PolicySet => ({ id: policySetId(policies), policies });

const isAllDryRun = (namespace: Namespace | undefined): boolean => isDryRun({}, namespace);
