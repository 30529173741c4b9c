/**
 * What a record refers to: the policies that were in force when its packet arrived, and the identities of its pods. Both
 * are named by their content and saved beside the log.
 */
import type { ClusterChange } from '../../model/cluster.js';
import type { Namespace, Pod } from '../../model/pod.js';
import { isDryRun, type PolicyMode } from '../../model/policy-mode.js';
import { policyKey, type AnyPolicy } from '../../model/policy.js';
import type { LoggedPacket, PacketEndpoint } from '../attribution/logged-packet.js';
import { Timeline } from '../timeline.js';
import { identityId, podIdentity, policySetId, type ContentId } from './content-id.js';
import type { SnapshotStore } from './snapshot-store.js';

/** The ids in a record; a reference is absent for an endpoint that is no pod. */
export interface SnapshotReferences {
  readonly snapshot?: ContentId;
  readonly source?: ContentId;
  readonly destination?: ContentId;
}

interface SnapshotRecorderOptions {
  readonly store: Pick<SnapshotStore, 'savePolicies' | 'saveIdentity'>;
  /** A snapshot could not be saved; the record refers to it all the same. */
  readonly onFailure: (error: unknown) => void;
  /** `dry-run`: the whole agent is in a dry run. */
  readonly mode?: PolicyMode;
}

/** Records lag behind their packets by seconds; milliseconds. */
const past = { kept: 10 * 60_000, pastKeys: 4096 };

interface PolicySet {
  readonly id: ContentId;
  readonly policies: readonly AnyPolicy[];
  /** The namespace whose change made it. */
  readonly cause: string;
}

type PoliciesOfNamespace = ReadonlyMap<string, AnyPolicy>;
const none: PoliciesOfNamespace = new Map();

/** Follows the policies and pods that are in force, and saves those that a record refers to. */
export class SnapshotRecorder {
  readonly #options: SnapshotRecorderOptions;
  readonly #policies = new Timeline<string, PoliciesOfNamespace>(past);
  /** When each namespace's policies last changed. */
  readonly #changedAt = new Map<string, number>();
  readonly #namespaces = new Timeline<string, Namespace>(past);
  /** The sets whose ids are known, by the first namespace's policies, then by the second's. */
  readonly #sets = new WeakMap<PoliciesOfNamespace, WeakMap<PoliciesOfNamespace, PolicySet>>();
  readonly #identityIds = new WeakMap<Pod, { readonly namespace: Namespace; readonly id: ContentId }>();

  constructor(options: SnapshotRecorderOptions) {
    this.#options = options;
  }

  /** These changes are in force from `time` on, in milliseconds since the epoch. */
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
    for (const [namespace, policies] of changed) {
      this.#policies.set(namespace, policies, time);
      this.#changedAt.set(namespace, time);
    }
  }

  /** Policies select pods of their own namespace: a verdict depends on the policies of both pods' namespaces alone. */
  referencesFor({ source, destination, packet: { time } }: LoggedPacket): SnapshotReferences {
    const [sourceId, destinationId] = [this.#identityOf(source, time), this.#identityOf(destination, time)];
    const namespaces = [source, destination].flatMap(({ pod }) => (pod === undefined ? [] : [pod.ref.namespace]));
    const snapshot = namespaces.length === 0 ? undefined : this.#snapshotOf([...new Set(namespaces)].sort(), time);
    return {
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(sourceId === undefined ? {} : { source: sourceId }),
      ...(destinationId === undefined ? {} : { destination: destinationId }),
    };
  }

  #snapshotOf(namespaces: readonly string[], time: number): ContentId {
    const [first = none, second = none] = namespaces.map((name) => this.#policies.at(name, time) ?? none);
    const known = this.#sets.get(first)?.get(second);
    const set = known ?? this.#newSet(namespaces, time);
    if (known === undefined) this.#sets.set(first, (this.#sets.get(first) ?? new WeakMap()).set(second, set));
    this.#options.store.savePolicies(set.id, set.policies, set.cause).catch(this.#options.onFailure);
    return set.id;
  }

  #newSet(namespaces: readonly string[], time: number): PolicySet {
    const policies = namespaces.flatMap((name) => this.#inForce(name, time));
    const changedAt = (name: string): number => this.#changedAt.get(name) ?? 0;
    const cause = namespaces.reduce((a, b) => (changedAt(b) > changedAt(a) ? b : a));
    return { id: policySetId(policies), policies, cause };
  }

  /** A dry run of the namespace or of the agent is a dry run of each policy. */
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
    this.#options.store.saveIdentity(id, identity).catch(this.#options.onFailure);
    return id;
  }
}

const isAllDryRun = (namespace: Namespace | undefined): boolean => isDryRun({}, namespace);
