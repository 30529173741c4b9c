/**
 * Cluster changes in, program changes out; the work is proportional to what changed.
 *
 *   pods, namespaces --> AddressOwners --> SelectorIndex --> Groups (members)
 *   policies, local pods --> endpoints --> rule lists in use --> groups in use
 *
 * In the scope of one node, only what its own pods need exists: the rule lists that select one of them, and the groups
 * those name.
 */
import { cidrContains, type Address, type Cidr } from '../model/address.js';
import { changesFrom, type ClusterChange, type ClusterSnapshot } from '../model/cluster.js';
import { isEnforceable, objectKey, type Namespace, type Node, type Pod } from '../model/pod.js';
import { logsAllowed, modeIn } from '../model/audit-mode.js';
import { directions, policyKey, type AnyPolicy, type Direction, type NetworkPolicy } from '../model/policy.js';
import {
  ruleListId,
  type Endpoint,
  type PolicyProgram,
  type ProgramChange,
  type RuleList,
  type RuleListId,
  type UnknownChange,
} from '../program/types.js';
import { SelectorIndex } from '../selectors/selector-index.js';
import { AddressOwners } from '../model/address-owners.js';
import { mergeCidrs } from './cidr-ranges.js';
import {
  makeEndpoint,
  noAudit,
  ruleListsOf,
  sameEndpoint,
  selects,
  type AuditSettings,
  type DryRun,
} from './endpoints.js';
import { Groups, type Contribution, type Move } from './groups.js';
import { Before, Delta } from './recorder.js';
import { compileRules, type CompiledRules } from './rule-lists.js';

export interface CompilerOptions {
  /** One node's own pods, or every pod (for analysis). */
  readonly scope: { readonly node: string } | 'everywhere';
  readonly unknownPods?: 'deny' | 'allow';
  /** Beside the podCIDRs of the scope's Node object. */
  readonly podCidrs?: readonly Cidr[];
  /** `annotated` unless told. */
  readonly dryRun?: DryRun;
}

/** The program of a whole cluster from scratch. */
export function compile(snapshot: ClusterSnapshot, options: CompilerOptions): PolicyProgram {
  const compiler = new Compiler(options);
  compiler.apply(changesFrom(snapshot));
  return compiler.program();
}

/** What one step touched, and has to be looked at again when all its changes are in. */
interface Step {
  readonly pods: Set<string>;
  /** Local pods whose endpoint must be made anew. */
  readonly endpoints: Set<string>;
  readonly endpointsBefore: Before<string, Endpoint>;
  readonly ruleListsBefore: Before<RuleListId, RuleList>;
  readonly nodes: Set<string>;
  readonly known: Delta<Address>;
  ranges: boolean;
}

export class Compiler {
  readonly #options: CompilerOptions;
  readonly #pods = new Map<string, Pod>();
  readonly #owners = new AddressOwners();
  readonly #contributions = new Map<string, Contribution>();
  readonly #index = new SelectorIndex((name) => ({ 'kubernetes.io/metadata.name': name }));
  readonly #groups = new Groups(this.#index, (pod) => this.#contributions.get(pod));
  /** By namespace, by policy key. */
  readonly #policies = new Map<string, Map<string, AnyPolicy>>();
  /** Local pods by namespace: the only ones that policies of that namespace can select here. */
  readonly #localPods = new Map<string, Set<string>>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #ruleLists = new Map<RuleListId, RuleList>();
  readonly #compiled = new Map<RuleListId, CompiledRules>();
  readonly #ruleListUsers = new Map<RuleListId, number>();
  readonly #nodes = new Map<string, readonly Address[]>();
  /** By namespace; absent where nothing is asked for. */
  readonly #audit = new Map<string, AuditSettings>();
  #nodeCidrs: readonly Cidr[] = [];
  #ranges: readonly Cidr[];
  readonly #known = new Set<Address>();
  #revision = 0;

  constructor(options: CompilerOptions) {
    this.#options = options;
    this.#ranges = mergeCidrs(options.podCidrs ?? []);
  }

  /** Takes the changes in; what the program became is told as its difference. */
  apply(changes: readonly ClusterChange[]): ProgramChange {
    const step: Step = {
      pods: new Set(),
      endpoints: new Set(),
      endpointsBefore: new Before(),
      ruleListsBefore: new Before(),
      nodes: new Set(),
      known: new Delta(),
      ranges: false,
    };
    for (const change of changes) this.#take(change, step);
    this.#groups.move([...step.pods].map((pod) => this.#refreshPod(pod, step)));
    for (const pod of step.endpoints) this.#refreshEndpoint(pod, step);
    this.#settleRuleLists(step);
    return this.#changeOf(step);
  }

  /** The program now; its maps are live, so compare or keep a copy, never the object. */
  program(): PolicyProgram {
    return {
      revision: this.#revision,
      endpoints: this.#endpoints,
      ruleLists: this.#ruleLists,
      groups: this.#groups.groups,
      nodes: this.#nodes,
      ...(this.#options.unknownPods === 'deny' ? { unknown: { ranges: this.#ranges, known: this.#known } } : {}),
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
  }

  #takeNamespace(name: string, namespace: Namespace | undefined, step: Step): void {
    this.#takeAudit(name, namespace, step);
    // Selections are settled pod by pod below, against the contribution that is in the groups now.
    const before = new Map([...this.#index.podsOf(name)].map((pod) => [pod, this.#index.selectionsOf(pod)]));
    const moved = [...this.#index.setNamespace(name, namespace?.labels)];
    this.#groups.move(
      moved.map((pod) => {
        const contribution = this.#contributions.get(pod);
        const selectedBefore = before.get(pod) ?? new Set();
        return {
          before: contribution,
          selectedBefore,
          after: contribution,
          selectedNow: this.#index.selectionsOf(pod),
        };
      }),
    );
  }

  #takeAudit(name: string, namespace: Namespace | undefined, step: Step): void {
    const annotations = namespace?.annotations ?? {};
    const before = this.#audit.get(name) ?? noAudit;
    const dryRun = modeIn(annotations) === 'audit' ? 'all' : 'annotated';
    const after: AuditSettings = { dryRun, logsAllowed: logsAllowed(annotations) };
    if (before.dryRun === after.dryRun && before.logsAllowed === after.logsAllowed) return;
    if (after.dryRun === noAudit.dryRun && !after.logsAllowed) this.#audit.delete(name);
    else this.#audit.set(name, after);
    for (const pod of this.#localPods.get(name) ?? []) step.endpoints.add(pod);
    if (before.logsAllowed === after.logsAllowed) return;
    for (const policy of this.#policies.get(name)?.values() ?? [])
      for (const direction of directions) this.#recompile(policy, ruleListId(policy.ref, direction), direction, step);
  }

  #auditOf(namespace: string): AuditSettings {
    const settings = this.#audit.get(namespace) ?? noAudit;
    const { dryRun = 'annotated' } = this.#options;
    return dryRun === 'annotated' ? settings : { ...settings, dryRun };
  }

  #takePolicy(namespace: string, key: string, policy: AnyPolicy | undefined, step: Step): void {
    const policies = this.#policies.get(namespace) ?? new Map<string, AnyPolicy>();
    const before = policies.get(key);
    if (policy === undefined) policies.delete(key);
    else policies.set(key, policy);
    if (policies.size === 0) this.#policies.delete(namespace);
    else this.#policies.set(namespace, policies);
    for (const podKey of this.#localPods.get(namespace) ?? []) {
      const pod = this.#pods.get(podKey);
      if (pod !== undefined && [before, policy].some((one) => one !== undefined && selects(one, pod)))
        step.endpoints.add(podKey);
    }
    const ref = (policy ?? before)?.ref;
    if (ref === undefined) return;
    for (const direction of directions) this.#recompile(policy, ruleListId(ref, direction), direction, step);
  }

  #takeNode(name: string, node: Node | undefined, step: Step): void {
    const { scope, unknownPods } = this.#options;
    if (scope !== 'everywhere' && name !== scope.node) return;
    const before = this.#nodes.get(name);
    if (node?.addresses.join() !== before?.join()) step.nodes.add(name);
    if (node === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, node.addresses);
    if (scope === 'everywhere' || unknownPods !== 'deny') return;
    this.#nodeCidrs = node?.podCidrs ?? [];
    const ranges = mergeCidrs([...(this.#options.podCidrs ?? []), ...this.#nodeCidrs]);
    if (JSON.stringify(ranges) === JSON.stringify(this.#ranges)) return;
    this.#ranges = ranges;
    step.ranges = true;
    for (const { addresses } of this.#contributions.values())
      for (const address of addresses) this.#settleKnown(address, true, step);
    for (const address of this.#known) if (!this.#inRanges(address)) this.#settleKnown(address, false, step);
  }

  /** Settles one pod's addresses, labels and ports, and whether it is an endpoint here; tells its move in the groups. */
  #refreshPod(key: string, step: Step): Move {
    const pod = this.#pods.get(key);
    const enforced = pod !== undefined && isEnforceable(pod) ? pod : undefined;
    const before = this.#contributions.get(key);
    const selectedBefore = this.#index.selectionsOf(key);
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
    this.#refreshKnown(before?.addresses ?? [], after?.addresses ?? [], step);
    this.#noteLocal(key, enforced, after);
    step.endpoints.add(key);
    return { before, selectedBefore, after, selectedNow: this.#index.selectionsOf(key) };
  }

  #noteLocal(key: string, pod: Pod | undefined, contribution: Contribution | undefined): void {
    const { scope } = this.#options;
    const here = pod !== undefined && (scope === 'everywhere' || pod.node === scope.node);
    const namespace = namespaceOf(key);
    const local = this.#localPods.get(namespace) ?? new Set();
    if (here && contribution !== undefined && contribution.addresses.length > 0) local.add(key);
    else local.delete(key);
    if (local.size === 0) this.#localPods.delete(namespace);
    else this.#localPods.set(namespace, local);
  }

  #refreshKnown(before: readonly Address[], after: readonly Address[], step: Step): void {
    if (this.#options.unknownPods !== 'deny') return;
    for (const address of [...before, ...after]) this.#settleKnown(address, this.#owners.isHeld(address), step);
  }

  #settleKnown(address: Address, held: boolean, step: Step): void {
    const known = held && this.#inRanges(address);
    if (known === this.#known.has(address)) return;
    if (known) {
      this.#known.add(address);
      step.known.add(address);
    } else {
      this.#known.delete(address);
      step.known.remove(address);
    }
  }

  #inRanges(address: Address): boolean {
    return this.#ranges.some((range) => cidrContains(range, address));
  }

  #refreshEndpoint(key: string, step: Step): void {
    const before = this.#endpoints.get(key);
    const after = this.#endpointOf(key);
    if (sameEndpoint(before, after)) return;
    step.endpointsBefore.touch(key, before);
    if (after === undefined) this.#endpoints.delete(key);
    else this.#endpoints.set(key, after);
    for (const id of ruleListsOf(after)) this.#countRuleList(id, 1, step);
    for (const id of ruleListsOf(before)) this.#countRuleList(id, -1, step);
  }

  #endpointOf(key: string): Endpoint | undefined {
    const pod = this.#pods.get(key);
    const addresses = this.#contributions.get(key)?.addresses ?? [];
    const namespace = namespaceOf(key);
    if (pod === undefined || this.#localPods.get(namespace)?.has(key) !== true) return undefined;
    const selecting = [...(this.#policies.get(namespace) ?? [])].filter(([, policy]) => selects(policy, pod));
    const sorted = selecting.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, policy]) => policy);
    return makeEndpoint(pod, addresses, sorted, this.#auditOf(namespace));
  }

  #countRuleList(id: RuleListId, difference: 1 | -1, step: Step): void {
    const users = (this.#ruleListUsers.get(id) ?? 0) + difference;
    step.ruleListsBefore.touch(id, this.#ruleLists.get(id));
    if (users === 0) this.#ruleListUsers.delete(id);
    else this.#ruleListUsers.set(id, users);
  }

  /** A policy's text changed: its list is compiled anew if it is in use (one that comes into use is compiled then). */
  #recompile(policy: AnyPolicy | undefined, id: RuleListId, direction: Direction, step: Step): void {
    const former = this.#compiled.get(id);
    if (former === undefined) return;
    step.ruleListsBefore.touch(id, this.#ruleLists.get(id));
    const compiled = policy?.kind === 'policy' ? this.#compileList(policy, direction) : undefined;
    this.#replaceCompiled(id, former, compiled);
  }

  /** Compiles what came into use, and drops what went out of it, now that all endpoints are settled. */
  #settleRuleLists(step: Step): void {
    for (const [id] of step.ruleListsBefore.entries()) {
      const used = this.#ruleListUsers.has(id);
      const former = this.#compiled.get(id);
      if (used && former === undefined) this.#replaceCompiled(id, undefined, this.#compileById(id));
      if (!used && former !== undefined) this.#replaceCompiled(id, former, undefined);
    }
  }

  #compileById(id: RuleListId): CompiledRules | undefined {
    const [direction = '', key = ''] = id.split(' ');
    const policy = this.#policies.get(namespaceOf(key))?.get(key);
    return policy?.kind === 'policy' ? this.#compileList(policy, direction as Direction) : undefined;
  }

  #compileList(policy: NetworkPolicy, direction: Direction): CompiledRules {
    return compileRules(policy, direction, this.#auditOf(policy.ref.namespace).logsAllowed);
  }

  #replaceCompiled(id: RuleListId, former: CompiledRules | undefined, next: CompiledRules | undefined): void {
    for (const definition of next?.groups.values() ?? []) this.#groups.use(definition);
    for (const group of former?.groups.keys() ?? []) this.#groups.release(group);
    if (next === undefined) {
      this.#compiled.delete(id);
      this.#ruleLists.delete(id);
      return;
    }
    this.#compiled.set(id, next);
    this.#ruleLists.set(id, next.list);
  }

  #changeOf(step: Step): ProgramChange {
    const endpoints = [...step.endpointsBefore.entries()]
      .map(([key, before]) => difference({ key }, before, this.#endpoints.get(key)))
      .filter(({ before, after }) => !sameEndpoint(before, after));
    const ruleLists = [...step.ruleListsBefore.entries()]
      .map(([id, before]) => difference({ id }, before, this.#ruleLists.get(id)))
      .filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
    const groups = this.#groups.endStep();
    const nodes = [...step.nodes].map((name) => difference({ name }, undefined, this.#nodes.get(name)));
    const unknown = this.#unknownChange(step);
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

  #unknownChange({ ranges, known }: Step): UnknownChange | undefined {
    if (this.#options.unknownPods !== 'deny') return undefined;
    const first = this.#revision === 0 && this.#ranges.length > 0;
    if (!ranges && !first && known.isEmpty) return undefined;
    return {
      ...(ranges || first ? { ranges: this.#ranges } : {}),
      added: [...known.added],
      removed: [...known.removed],
    };
  }
}

/** `before` and `after` only where they are: absent means new or gone. */
function difference<K extends object, V>(
  key: K,
  before: V | undefined,
  after: V | undefined,
): K & { before?: V; after?: V } {
  return { ...key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
