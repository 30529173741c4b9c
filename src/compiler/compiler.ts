/**
 * Cluster changes in, program changes out; the work is proportional to what changed.
 *
 *   pods, namespaces --> AddressOwners --> SelectorIndex --> Groups (members)
 *   policies, local pods --> endpoints --> UsedRuleLists --> Groups in use
 *
 * In the scope of one node, only what its own pods need exists: the rule lists that select one of them, and the groups
 * those name.
 */
import type { Address, Cidr } from '../model/address.js';
import { changesFrom, type ClusterChange, type ClusterSnapshot } from '../model/cluster.js';
import { isEnforceable, objectKey, type Namespace, type Node, type Pod } from '../model/pod.js';
import type { Annotations } from '../model/annotations.js';
import { logsAllowed } from '../model/audit-annotation.js';
import { modeIn, type DryRunScope } from '../model/policy-mode.js';
import { directions, policyKey, type AnyPolicy, type Direction, type PolicyRef } from '../model/policy.js';
import {
  ruleListId,
  type Endpoint,
  type PolicyProgram,
  type ProgramChange,
  type RuleListId,
} from '../program/types.js';
import { SelectorIndex } from '../selectors/selector-index.js';
import { NodeAddresses } from '../addresses/node-addresses.js';
import { AddressOwners } from '../addresses/address-owners.js';
import { difference } from './difference.js';
import { makeEndpoint, notIsolated, ruleListsOf, sameEndpoint, selects, type EndpointSettings } from './endpoints.js';
import { Groups, type Contribution, type Move } from './groups.js';
import { KnownPods } from './known-pods.js';
import { NamespacePolicies } from './namespace-policies.js';
import { Before } from './recorder.js';
import { compileRules, type CompiledRules } from './rule-lists.js';
import { UsedRuleLists } from './used-rule-lists.js';

export interface CompilerOptions {
  /** One node's own pods, or every pod (for analysis). */
  readonly scope: { readonly node: string } | 'everywhere';
  readonly unknownPods?: 'deny' | 'allow';
  /** Beside the podCIDRs of the scope's Node object. */
  readonly podCidrs?: readonly Cidr[];
  /** Default: `annotated`. */
  readonly dryRun?: DryRunScope;
  /** Of more policies on one pod, the youngest isolate it and allow nothing. Default: no limit. */
  readonly maxPodPolicies?: number;
}

/** The program of a whole cluster from scratch. */
export function compile(snapshot: ClusterSnapshot, options: CompilerOptions): PolicyProgram {
  const compiler = new Compiler(options);
  compiler.apply(changesFrom(snapshot));
  return compiler.program();
}

/** What one step changed, and what must be computed again when all changes of the step are in. */
interface Step {
  readonly pods: Set<string>;
  /** Local pods whose endpoint must be built again. */
  readonly endpoints: Set<string>;
  readonly endpointsBefore: Before<string, Endpoint>;
  readonly nodes: Set<string>;
}

export class Compiler {
  readonly #options: CompilerOptions;
  readonly #pods = new Map<string, Pod>();
  readonly #owners = new AddressOwners();
  readonly #contributions = new Map<string, Contribution>();
  readonly #index = new SelectorIndex((name) => ({ 'kubernetes.io/metadata.name': name }));
  readonly #groups = new Groups(this.#index, (pod) => this.#contributions.get(pod));
  /** By namespace. */
  readonly #policies = new Map<string, NamespacePolicies>();
  /** Local pods by namespace: the only ones that policies of that namespace can select here. */
  readonly #localPods = new Map<string, Set<string>>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #ruleLists = new UsedRuleLists(this.#groups, (id) => this.#compileList(id));
  readonly #nodeAddresses = new NodeAddresses();
  /** Of nodes out of scope too: the program knows only what policies need. */
  readonly #everyNode = new NodeAddresses();
  readonly #nodes = new Map<string, readonly Address[]>();
  /** By namespace; absent where no annotation matters. */
  readonly #annotations = new Map<string, Annotations>();
  /** Where unknown pods are denied. */
  readonly #known: KnownPods | undefined;
  #revision = 0;

  constructor(options: CompilerOptions) {
    this.#options = options;
    this.#known = options.unknownPods === 'deny' ? new KnownPods(options.podCidrs ?? []) : undefined;
  }

  /** Applies the changes and returns how the program changed. */
  apply(changes: readonly ClusterChange[]): ProgramChange {
    const step: Step = {
      pods: new Set(),
      endpoints: new Set(),
      endpointsBefore: new Before(),
      nodes: new Set(),
    };
    for (const change of changes) this.#take(change, step);
    this.#groups.move([...step.pods].map((pod) => this.#refreshPod(pod, step)));
    for (const pod of step.endpoints) this.#refreshEndpoint(pod, step);
    return this.#changeOf(step);
  }

  /** Addresses of the pods that a change alters, or whose labels selectors may see otherwise after it; to be asked before it is applied. */
  addressesOf(change: ClusterChange): readonly Address[] {
    if (change.kind === 'pod') {
      const before = this.#contributions.get(objectKey(change.ref))?.addresses ?? [];
      return [...before, ...(change.pod?.addresses ?? [])];
    }
    if (change.kind !== 'namespace') return [];
    return [...this.#index.podsOf(change.name)].flatMap((pod) => this.#contributions.get(pod)?.addresses ?? []);
  }

  /** Addresses of all nodes. */
  get everyNode(): Pick<NodeAddresses, 'all' | 'version'> {
    return this.#everyNode;
  }

  /** The program now; its maps are live, so compare or keep a copy, never the object. */
  program(): PolicyProgram {
    return {
      revision: this.#revision,
      endpoints: this.#endpoints,
      ruleLists: this.#ruleLists.lists,
      groups: this.#groups.groups,
      nodes: this.#nodes,
      ...(this.#known === undefined ? {} : { unknown: { ranges: this.#known.ranges, known: this.#known.known } }),
    };
  }

  #take(change: ClusterChange, step: Step): void {
    switch (change.kind) {
      case 'pod':
        this.#takePod(objectKey(change.ref), change.pod, step);
        return;
      case 'namespace':
        this.#takeNamespace(change.name, change.namespace, step);
        return;
      case 'policy':
        this.#takePolicy(change.ref.namespace, policyKey(change.ref), change.policy, step);
        return;
      case 'node':
        this.#takeNode(change.name, change.node, step);
    }
  }

  #takePod(key: string, pod: Pod | undefined, step: Step): void {
    const before = this.#pods.get(key);
    if (pod === undefined) this.#pods.delete(key);
    else this.#pods.set(key, pod);
    for (const affected of this.#owners.replace(before, pod)) step.pods.add(affected);
    step.pods.add(key);
    this.#everyNode.replacePod(before, pod);
    const [left, joined] = [before, pod].map((one) =>
      one !== undefined && this.#isInScope(one.node) ? one : undefined,
    );
    this.#nodeAddresses.replacePod(left, joined);
    for (const name of new Set([left?.node, joined?.node])) if (name !== undefined) this.#refreshNode(name, step);
  }

  #takeNamespace(name: string, namespace: Namespace | undefined, step: Step): void {
    this.#takeAnnotations(name, namespace, step);
    // Selections are settled pod by pod below, against the contribution that is in the groups now.
    const moved = this.#index.setNamespace(name, namespace?.labels);
    this.#groups.move(
      moved.map(({ pod, before, now }) => {
        const contribution = this.#contributions.get(pod);
        return { before: contribution, selectedBefore: before, after: contribution, selectedNow: now };
      }),
    );
  }

  #takeAnnotations(name: string, namespace: Namespace | undefined, step: Step): void {
    const [before, after] = [this.#annotations.get(name) ?? {}, namespace?.annotations ?? {}];
    const logsAnew = logsAllowed(before) !== logsAllowed(after);
    if (modeIn(before) === modeIn(after) && !logsAnew) return;
    if (modeIn(after) === 'enforce' && !logsAllowed(after)) this.#annotations.delete(name);
    else this.#annotations.set(name, after);
    this.#policies.get(name)?.forget();
    for (const pod of this.#localPods.get(name) ?? []) step.endpoints.add(pod);
    if (!logsAnew) return;
    for (const { ref } of this.#policies.get(name)?.values() ?? []) this.#recompile(ref);
  }

  #settingsOf(namespace: string): EndpointSettings {
    const { dryRun = 'annotated', maxPodPolicies } = this.#options;
    return {
      annotations: this.#annotations.get(namespace) ?? {},
      dryRun,
      ...(maxPodPolicies === undefined ? {} : { maxPolicies: maxPodPolicies }),
    };
  }

  #takePolicy(namespace: string, key: string, policy: AnyPolicy | undefined, step: Step): void {
    const policies = this.#policies.get(namespace) ?? new NamespacePolicies();
    const before = policies.get(key);
    const isolatesAnew = policies.set(key, policy);
    if (policies.isEmpty) this.#policies.delete(namespace);
    else this.#policies.set(namespace, policies);
    for (const podKey of isolatesAnew ? (this.#localPods.get(namespace) ?? []) : []) {
      const pod = this.#pods.get(podKey);
      if (pod !== undefined && [before, policy].some((one) => one !== undefined && selects(one, pod)))
        step.endpoints.add(podKey);
    }
    const ref = (policy ?? before)?.ref;
    if (ref !== undefined) this.#recompile(ref);
  }

  #takeNode(name: string, node: Node | undefined, step: Step): void {
    this.#everyNode.setNode(name, node?.addresses);
    if (!this.#isInScope(name)) return;
    this.#nodeAddresses.setNode(name, node?.addresses);
    this.#refreshNode(name, step);
    if (this.#options.scope === 'everywhere') return;
    this.#known?.setNodeRanges(node?.podCidrs ?? [], () =>
      [...this.#contributions.values()].flatMap(({ addresses }) => addresses),
    );
  }

  #refreshNode(name: string, step: Step): void {
    const [before, after] = [this.#nodes.get(name), this.#nodeAddresses.of(name)];
    if (after?.join() === before?.join()) return;
    step.nodes.add(name);
    if (after === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, after);
  }

  #isInScope(node: string): boolean {
    const { scope } = this.#options;
    return scope === 'everywhere' || node === scope.node;
  }

  /** Updates one pod's addresses, labels and ports, and whether it is an endpoint here; returns its move between groups. */
  #refreshPod(key: string, step: Step): Move {
    const pod = this.#pods.get(key);
    const enforced = pod !== undefined && isEnforceable(pod) ? pod : undefined;
    const before = this.#contributions.get(key);
    const selectedBefore = this.#index.selectionsOf(key, namespaceOf(key));
    const after: Contribution | undefined = enforced && {
      addresses: this.#owners.addressesOf(enforced),
      ports: enforced.ports,
    };
    if (enforced === undefined || after === undefined) {
      this.#contributions.delete(key);
      this.#index.removePod(key, namespaceOf(key));
    } else {
      this.#contributions.set(key, after);
      this.#index.setPod(key, enforced.ref.namespace, enforced.labels);
    }
    for (const address of [...(before?.addresses ?? []), ...(after?.addresses ?? [])])
      this.#known?.settle(address, this.#owners.isHeld(address));
    this.#noteLocal(key, enforced, after);
    step.endpoints.add(key);
    return { before, selectedBefore, after, selectedNow: this.#index.selectionsOf(key, namespaceOf(key)) };
  }

  #noteLocal(key: string, pod: Pod | undefined, contribution: Contribution | undefined): void {
    const here = pod !== undefined && this.#isInScope(pod.node);
    const namespace = namespaceOf(key);
    const local = this.#localPods.get(namespace) ?? new Set();
    if (here && contribution !== undefined && contribution.addresses.length > 0) local.add(key);
    else local.delete(key);
    if (local.size === 0) this.#localPods.delete(namespace);
    else this.#localPods.set(namespace, local);
  }

  #refreshEndpoint(key: string, step: Step): void {
    const before = this.#endpoints.get(key);
    const after = this.#endpointOf(key);
    if (sameEndpoint(before, after)) return;
    step.endpointsBefore.touch(key, before);
    if (after === undefined) this.#endpoints.delete(key);
    else this.#endpoints.set(key, after);
    for (const lists of ruleListsOf(after)) this.#ruleLists.use(lists);
    for (const lists of ruleListsOf(before)) this.#ruleLists.release(lists);
  }

  #endpointOf(key: string): Endpoint | undefined {
    const pod = this.#pods.get(key);
    const addresses = this.#contributions.get(key)?.addresses ?? [];
    const namespace = namespaceOf(key);
    if (pod === undefined || this.#localPods.get(namespace)?.has(key) !== true) return undefined;
    const settings = this.#settingsOf(namespace);
    const enforcement = this.#policies.get(namespace)?.enforcementOn(pod, settings) ?? notIsolated;
    return makeEndpoint(pod, addresses, enforcement, settings);
  }

  #recompile(ref: PolicyRef): void {
    for (const direction of directions) this.#ruleLists.recompile(ruleListId(ref, direction));
  }

  #compileList(id: RuleListId): CompiledRules | undefined {
    const [direction = '', key = ''] = id.split(' ');
    const namespace = namespaceOf(key);
    const policy = this.#policies.get(namespace)?.get(key);
    if (policy?.kind !== 'policy') return undefined;
    return compileRules(policy, direction as Direction, logsAllowed(this.#annotations.get(namespace) ?? {}));
  }

  #changeOf(step: Step): ProgramChange {
    const endpoints = [...step.endpointsBefore.entries()]
      .map(([key, before]) => difference({ key }, before, this.#endpoints.get(key)))
      .filter(({ before, after }) => !sameEndpoint(before, after));
    // Before the groups: what lists no longer name goes with them.
    const ruleLists = this.#ruleLists.endStep();
    const groups = this.#groups.endStep();
    const nodes = [...step.nodes].map((name) => difference({ name }, undefined, this.#nodes.get(name)));
    const unknown = this.#known?.endStep();
    const isChange = [endpoints, ruleLists, groups, nodes].some((list) => list.length > 0) || unknown !== undefined;
    if (isChange) this.#revision += 1;
    return {
      revision: this.#revision,
      endpoints,
      ruleLists,
      groups,
      nodes,
      ...(unknown === undefined ? {} : { unknown }),
    };
  }
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
