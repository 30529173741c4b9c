/**
 * The program's answer for one flow, in the kernel's order:
 *
 *   a pod to itself --> the own node --> unknown pods --> egress of the source and ingress of the destination
 *
 * Only new connections are judged: a reply shares the verdict of its flow, so nobody asks about it here.
 */
import type { Address } from '../model/address.js';
import { directions, type Direction } from '../model/policy.js';
import {
  listener,
  type AllowRule,
  type Endpoint,
  type Group,
  type GroupId,
  type PolicyProgram,
  type RuleOrigin,
} from '../program/types.js';
import { CidrSearch } from '../addresses/cidr-search.js';
import type { Flow, Reason, Verdict } from './types.js';

/** For one flow; {@link Evaluator} is for many. */
export function evaluate(program: PolicyProgram, flow: Flow): Verdict {
  return new Evaluator(program).evaluate(flow);
}

/** Answers for many flows against a program that does not change meanwhile. */
export class Evaluator {
  readonly #program: PolicyProgram;
  readonly #endpoints = new Map<Address, Endpoint>();
  readonly #nodesOf = new Map<Address, Set<string>>();
  readonly #blocks = new Map<GroupId, CidrSearch>();
  readonly #unknownRanges: CidrSearch;

  constructor(program: PolicyProgram) {
    this.#program = program;
    this.#unknownRanges = new CidrSearch(program.unknown?.ranges ?? []);
    for (const endpoint of program.endpoints.values())
      for (const address of endpoint.addresses) this.#endpoints.set(address, endpoint);
    for (const [name, addresses] of program.nodes)
      for (const address of addresses) this.#nodesOf.set(address, (this.#nodesOf.get(address) ?? new Set()).add(name));
  }

  evaluate(flow: Flow): Verdict {
    const source = this.#endpoints.get(flow.source);
    if (source !== undefined && source === this.#endpoints.get(flow.destination))
      return { allowed: true, reasons: [{ kind: 'itself' }] };
    const reasons = directions.toReversed().flatMap((direction) => this.#judge(flow, direction) ?? []);
    const denials = reasons.filter(denies);
    return denials.length > 0 ? { allowed: false, reasons: denials } : { allowed: true, reasons };
  }

  /** Why the flow passes or not at the end that this direction judges; undefined where nobody judges it. */
  #judge(flow: Flow, direction: Direction): Reason | undefined {
    const [own, other] = direction === 'egress' ? [flow.source, flow.destination] : [flow.destination, flow.source];
    const endpoint = this.#endpoints.get(own);
    if (endpoint === undefined) return this.#judgeUnknown(own, other, direction);
    // Traffic between a pod and its own node is output or input, which no policy is hooked on.
    if (this.#nodesOf.get(other)?.has(endpoint.node) === true) return { kind: 'ownNode', direction };
    const isolation = endpoint[direction];
    if (isolation.kind === 'open') return { kind: 'notIsolated', direction };
    for (const id of isolation.allowedBy) {
      const list = this.#program.ruleLists.get(id);
      if (list === undefined) throw new Error(`the program has no rule list ${id}, which ${own} is allowed by`);
      const origin = this.#allowingRule(list.rules, flow, other);
      if (origin !== undefined) return { kind: 'allowedBy', direction, origin };
    }
    return { kind: 'isolatedBy', direction, policies: isolation.by };
  }

  #judgeUnknown(own: Address, other: Address, direction: Direction): Reason | undefined {
    const { unknown, nodes } = this.#program;
    if (unknown === undefined || unknown.known.has(own) || !this.#unknownRanges.contains(own)) return undefined;
    if (this.#nodesOf.has(own)) return undefined;
    // Nobody says on which node an unknown pod is; a program of one node means its own.
    const isOwnNode = nodes.size === 1 && this.#nodesOf.has(other);
    return { kind: isOwnNode ? 'ownNode' : 'unknownPod', direction };
  }

  #allowingRule(rules: readonly AllowRule[], flow: Flow, peer: Address): RuleOrigin | undefined {
    return rules.find((rule) => this.#matchesPort(rule, flow) && this.#matchesPeer(rule, peer))?.origin;
  }

  #matchesPeer({ peer }: AllowRule, address: Address): boolean {
    if (peer.kind === 'anyone') return true;
    const group = this.#group(peer.of);
    if (group.kind === 'blocks') return this.#searchOf(group).contains(address);
    if (group.kind === 'pods') return group.members.has(address);
    throw new Error(`group ${group.id} holds listeners, which are no peers`);
  }

  #matchesPort({ port }: AllowRule, flow: Flow): boolean {
    if (port.kind === 'anyPort') return true;
    if (port.protocol !== flow.protocol) return false;
    if (port.kind === 'range') return flow.port >= port.first && flow.port <= port.last;
    const group = this.#group(port.of);
    if (group.kind !== 'listeners') throw new Error(`group ${group.id} holds no listeners`);
    // A name is resolved where the flow ends, in both directions (SEMANTICS A6).
    return group.members.has(listener(flow.destination, flow.port));
  }

  #group(id: GroupId): Group {
    const group = this.#program.groups.get(id);
    if (group === undefined) throw new Error(`the program has no group ${id}, which a rule names`);
    return group;
  }

  #searchOf(group: Extract<Group, { kind: 'blocks' }>): CidrSearch {
    const search = this.#blocks.get(group.id) ?? new CidrSearch(group.cidrs);
    this.#blocks.set(group.id, search);
    return search;
  }
}

const denies = (reason: Reason): boolean => reason.kind === 'isolatedBy' || reason.kind === 'unknownPod';
