import { cidrContains, type Address } from '../model/address.js';
import type { Direction } from '../model/policy.js';
import { listener, type AllowRule, type Endpoint, type PolicyProgram, type RuleListId } from '../program/types.js';
import type { Flow, Reason, Verdict } from './types.js';

/** Looks programs up by address; make one per program state and use it for many flows. */
export class Evaluator {
  readonly #program: PolicyProgram;
  readonly #byAddress = new Map<Address, Endpoint>();

  constructor(program: PolicyProgram) {
    this.#program = program;
    for (const endpoint of program.endpoints.values())
      for (const address of endpoint.addresses) this.#byAddress.set(address, endpoint);
  }

  /** Judges a new connection as the kernel does: both ends must allow (SEMANTICS A2). */
  evaluate(flow: Flow): Verdict {
    const source = this.#byAddress.get(flow.source);
    const destination = this.#byAddress.get(flow.destination);
    if (flow.source === flow.destination && source !== undefined)
      return { allowed: true, reasons: [{ kind: 'itself' }] };
    const ownNode =
      this.#ownNode(source, flow.destination, 'egress') ?? this.#ownNode(destination, flow.source, 'ingress');
    if (ownNode !== undefined) return { allowed: true, reasons: [ownNode] };
    const unknown = [...this.#unknown(flow.source, 'egress'), ...this.#unknown(flow.destination, 'ingress')];
    if (unknown.length > 0) return { allowed: false, reasons: unknown };
    const egress = this.#judge(source, 'egress', flow, flow.destination);
    const ingress = this.#judge(destination, 'ingress', flow, flow.source);
    const denied = [egress, ingress].filter(({ kind }) => kind === 'isolatedBy');
    return denied.length > 0 ? { allowed: false, reasons: denied } : { allowed: true, reasons: [egress, ingress] };
  }

  /** Traffic between a pod and its own node never enters forward, so no policy sees it (SEMANTICS A7). */
  #ownNode(pod: Endpoint | undefined, other: Address, direction: Direction): Reason | undefined {
    const own = pod !== undefined && this.#program.nodes.get(pod.node)?.includes(other) === true;
    return own ? { kind: 'ownNode', direction } : undefined;
  }

  #unknown(address: Address, direction: Direction): readonly Reason[] {
    const { unknown } = this.#program;
    if (unknown === undefined || unknown.known.has(address)) return [];
    return unknown.ranges.some((range) => cidrContains(range, address)) ? [{ kind: 'unknownPod', direction }] : [];
  }

  #judge(pod: Endpoint | undefined, direction: Direction, flow: Flow, peer: Address): Reason {
    const isolation = pod?.[direction];
    if (isolation === undefined || isolation.kind === 'open') return { kind: 'notIsolated', direction };
    for (const id of isolation.allowedBy) {
      const rule = this.#rulesOf(id).find((one) => this.#matches(one, flow, peer));
      if (rule !== undefined) return { kind: 'allowedBy', direction, origin: rule.origin };
    }
    return { kind: 'isolatedBy', direction, policies: isolation.by };
  }

  #rulesOf(id: RuleListId): readonly AllowRule[] {
    return this.#program.ruleLists.get(id)?.rules ?? [];
  }

  #matches({ peer, port }: AllowRule, flow: Flow, peerAddress: Address): boolean {
    if (peer.kind === 'members' && !this.#isMember(peer.of, peerAddress)) return false;
    if (port.kind === 'anyPort') return true;
    if (port.protocol !== flow.protocol) return false;
    if (port.kind === 'range') return flow.port >= port.first && flow.port <= port.last;
    const group = this.#program.groups.get(port.of);
    return group?.kind === 'listeners' && group.members.has(listener(flow.destination, flow.port));
  }

  #isMember(id: Parameters<PolicyProgram['groups']['get']>[0], address: Address): boolean {
    const group = this.#program.groups.get(id);
    if (group === undefined || group.kind === 'listeners') return false;
    return group.kind === 'pods' ? group.members.has(address) : group.cidrs.some((cidr) => cidrContains(cidr, address));
  }
}

export const evaluate = (program: PolicyProgram, flow: Flow): Verdict => new Evaluator(program).evaluate(flow);
