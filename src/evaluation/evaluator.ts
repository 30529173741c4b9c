/**
 * What a program says of a connection, in the kernel's order:
 *
 *   a pod to itself --> the own node --> unknown pods --> egress of the source and ingress of the destination
 *
 * Only new connections are evaluated: a reply shares the verdict of its flow, so nobody asks about it here.
 */
import { familyOf, type Address, type Family } from '../model/address.js';
import { policyKey, type Direction, type PolicyRef } from '../model/policy.js';
import type { AllowRule, Endpoint, Isolated, PolicyProgram } from '../program/types.js';
import type { Allowance } from './allowances.js';
import type { BlockOptions } from './blocks.js';
import { CidrSearch } from '../addresses/cidr-search.js';
import { programAddress, type AddressEndpoint, type FlowEndpoint } from './flow-endpoints.js';
import { RuleMatcher } from './rule-matcher.js';
import { describeRules, type RuleText } from './rule-text.js';
import type { Flow } from './types.js';
import { allowanceOf, verdictOf, type DirectionVerdict, type DirectionVerdicts, type Verdict } from './verdicts.js';

/** As the agent enforces it. */
const enforced: BlockOptions = { ipBlocks: 'cluster', podCidrs: [] };

/** For one flow; {@link Evaluator} is for many. */
export function evaluate(program: PolicyProgram, flow: Flow): Verdict {
  return new Evaluator(program).evaluate(flow);
}

export interface Way {
  readonly family: Family;
  readonly direction: Direction;
}

/** Who isolates an endpoint in one direction, whoever the other endpoint is. */
interface IsolationSummary {
  readonly by: readonly PolicyRef[];
  /** Equal where the same rules allow. */
  readonly key: string;
  /** None: everything is denied. */
  readonly rules: () => readonly AllowRule[];
}

/** Answers against a program that does not change meanwhile: of pods by their addresses, or of workloads. */
export class Evaluator {
  readonly #program: PolicyProgram;
  readonly matcher: RuleMatcher;
  readonly #endpoints = new Map<Address, Endpoint>();
  readonly #nodesOf = new Map<Address, Set<string>>();
  readonly #unknownRanges: CidrSearch;

  constructor(program: PolicyProgram, options: BlockOptions = enforced) {
    this.#program = program;
    this.matcher = new RuleMatcher(program, options);
    this.#unknownRanges = new CidrSearch(program.unknown?.ranges ?? []);
    for (const endpoint of program.endpoints.values())
      for (const address of endpoint.addresses) this.#endpoints.set(address, endpoint);
    for (const [name, addresses] of program.nodes)
      for (const address of addresses) this.#nodesOf.set(address, (this.#nodesOf.get(address) ?? new Set()).add(name));
  }

  /** By addresses, in a program of pods. */
  evaluate({ source, destination, protocol, port }: Flow): Verdict {
    const at = (address: Address): AddressEndpoint => ({ kind: 'address', address });
    return verdictOf(this.verdicts(at(source), at(destination), familyOf(destination)), { protocol, number: port });
  }

  /** What `source` may open to `destination` over one family. */
  allowance(source: FlowEndpoint, destination: FlowEndpoint, family: Family): Allowance {
    return allowanceOf(this.verdicts(source, destination, family));
  }

  verdicts(source: FlowEndpoint, destination: FlowEndpoint, family: Family): DirectionVerdicts {
    return {
      egress: this.verdict(source, destination, { family, direction: 'egress' }),
      ingress: this.verdict(destination, source, { family, direction: 'ingress' }),
    };
  }

  /** At the endpoint that the direction belongs to: who isolates `own`, and which rules let `peer` through. */
  verdict(own: FlowEndpoint, peer: FlowEndpoint, { family, direction }: Way): DirectionVerdict {
    if (this.#isItself(own, peer)) return { kind: 'itself' };
    if (this.#isOwnNode(own, peer)) return { kind: 'ownNode' };
    const endpoint = this.#endpointOf(own);
    if (endpoint === undefined) return this.#verdictWithoutEndpoint(own, peer);
    const isolation = endpoint[direction];
    if (isolation.kind === 'open') return { kind: 'notIsolated' };
    const destination = direction === 'ingress' ? own : peer;
    const between = { peer, destination, family };
    const rules = this.#rulesOf(isolation).flatMap((rule) => this.matcher.match(rule, between) ?? []);
    return { kind: 'isolated', by: isolation.by, rules };
  }

  /** Undefined for an endpoint that nobody isolates in this direction. */
  isolation(own: FlowEndpoint, direction: Direction): IsolationSummary | undefined {
    const isolation = this.#endpointOf(own)?.[direction];
    if (isolation?.kind !== 'isolated') return undefined;
    return { by: isolation.by, key: isolation.allowedBy.join(), rules: () => this.#rulesOf(isolation) };
  }

  /** Each peer of a rule with each of its ports, in the order of the YAML. */
  describe(rules: readonly AllowRule[]): readonly RuleText[] {
    return describeRules(this.#program, rules);
  }

  #endpointOf(endpoint: FlowEndpoint): Endpoint | undefined {
    return this.#endpoints.get(programAddress(endpoint));
  }

  #isItself(own: FlowEndpoint, peer: FlowEndpoint): boolean {
    // Two pods of one workload share an endpoint of the program.
    if (own.kind === 'workload' && peer.kind === 'workload')
      return own.workload === peer.workload && own.pod !== undefined && own.pod === peer.pod;
    const endpoint = this.#endpointOf(own);
    return endpoint !== undefined && endpoint === this.#endpointOf(peer);
  }

  /** Traffic between a pod and its own node is output or input, which no policy is hooked on. */
  #isOwnNode(own: FlowEndpoint, peer: FlowEndpoint): boolean {
    const node = own.kind === 'workload' ? own.pod?.node : this.#endpointOf(own)?.node;
    if (node === undefined || peer.kind === 'workload') return false;
    return peer.nodes?.includes(node) === true || this.#nodesOf.get(peer.address)?.has(node) === true;
  }

  #verdictWithoutEndpoint(own: FlowEndpoint, peer: FlowEndpoint): DirectionVerdict {
    const { unknown, nodes } = this.#program;
    const address = programAddress(own);
    const isUnknownPod =
      unknown !== undefined &&
      !unknown.known.has(address) &&
      this.#unknownRanges.contains(address) &&
      !this.#nodesOf.has(address);
    if (!isUnknownPod) return { kind: 'notEnforced' };
    // Nobody says on which node an unknown pod is; a program of one node means its own.
    const isOwnNode = nodes.size === 1 && this.#nodesOf.has(programAddress(peer));
    return { kind: isOwnNode ? 'ownNode' : 'unknownPod' };
  }

  #rulesOf({ by, allowedBy }: Isolated): readonly AllowRule[] {
    return allowedBy.flatMap((id) => {
      const list = this.#program.ruleLists.get(id);
      if (list === undefined)
        throw new Error(`the program has no rule list ${id}, which ${by.map(policyKey).join()} allow by`);
      return list.rules;
    });
  }
}
