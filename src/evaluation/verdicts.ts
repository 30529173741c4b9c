/** What follows from the verdicts of both directions: whether a connection is allowed, on which ports, and why. */
import type { Direction, PolicyRef, Protocol } from '../model/policy.js';
import type { PortRange, PortSet } from '../model/reachability.js';
import type { RuleOrigin } from '../program/types.js';
import { either, everything, nothing, together, type Allowance } from './allowances.js';
import { inYamlOrder } from './rule-pairs.js';
import { allPorts, hasPort, noPorts, portSet } from './port-sets.js';

/** What the policies of one endpoint say of the other, in one direction. */
export type DirectionVerdict =
  | {
      readonly kind:
        /** A pod to itself, whatever policies say. */
        | 'itself'
        /** A pod and its own node, whatever policies say. */
        | 'ownNode'
        | 'notIsolated'
        /** No endpoint of the program: nobody enforces policies there. */
        | 'notEnforced'
        /** In a range of pods, and nobody knows such a pod: denied. */
        | 'unknownPod';
    }
  | {
      readonly kind: 'isolated';
      readonly by: readonly PolicyRef[];
      /** Those that match the other endpoint, on one port at least. */
      readonly rules: readonly MatchedRule[];
    };

export type DirectionVerdicts = Readonly<Record<Direction, DirectionVerdict>>;

/** A peer of a rule that an endpoint is. */
export interface MatchedPeer {
  /** In the list of the YAML; absent where the rule names none. */
  readonly index?: number;
  /** It is a block that covers every address that the pod may get. */
  readonly assumed: boolean;
}

/** A port of a rule that means something to a destination. */
export interface MatchedPort {
  /** In the list of the YAML; absent where the rule names none. */
  readonly index?: number;
  readonly ports: MatchedPorts;
}

/** A rule and what of it matches: each of these peers on each of these ports. */
export interface MatchedRule {
  readonly origin: RuleOrigin;
  readonly peers: readonly MatchedPeer[];
  readonly ports: readonly MatchedPort[];
}

/** One peer and one port of a rule, both of which match. */
export interface RuleMatch {
  readonly origin: RuleOrigin;
  readonly ports: MatchedPorts;
}

/** `every`: whatever the protocol, those without ports (ICMP and the like) too. */
type MatchedPorts = 'every' | readonly PortRange[];

/** `other`: anything without ports that a policy can name (ICMP, GRE, …); its number is 0. */
interface FlowPort {
  readonly protocol: Protocol | 'other';
  readonly number: number;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Of a denial, only what denies; what each direction allows, where both together allow nothing. */
  readonly reasons: readonly Reason[];
}

/** Why, at the endpoint that the direction belongs to: egress at the source, ingress at the destination. */
export type Reason = { readonly direction: Direction } & (
  | { readonly kind: Exclude<DirectionVerdict['kind'], 'isolated'> }
  | { readonly kind: 'allowedBy'; readonly rules: readonly RuleOrigin[] }
  | { readonly kind: 'isolatedBy'; readonly policies: readonly PolicyRef[] }
);

/** The way of a packet: it leaves the source first. */
export const packetOrder = ['egress', 'ingress'] as const satisfies readonly Direction[];

/** @param port absent: is anything allowed? */
export function verdictOf(verdicts: DirectionVerdicts, port: FlowPort | undefined): Verdict {
  const reasons = packetOrder.map((direction) => reasonOf(verdicts[direction], direction, port));
  const denials = reasons.filter(({ kind }) => kind === 'isolatedBy' || kind === 'unknownPod');
  if (denials.length > 0) return { allowed: false, reasons: denials };
  // Each direction may allow something, and both together nothing.
  return { allowed: port !== undefined || allowanceOf(verdicts).ports.length > 0, reasons };
}

function reasonOf(verdict: DirectionVerdict, direction: Direction, port: FlowPort | undefined): Reason {
  if (verdict.kind !== 'isolated') return { direction, kind: verdict.kind };
  const rules = rulesAllowing(verdict.rules, port);
  return rules.length > 0
    ? { direction, kind: 'allowedBy', rules: rules.map(({ origin }) => origin) }
    : { direction, kind: 'isolatedBy', policies: verdict.by };
}

/**
 * Every peer with every port that allows it, in the order of the YAML.
 * @param port absent: those that allow anything
 */
export const rulesAllowing = (rules: readonly MatchedRule[], port: FlowPort | undefined): readonly RuleMatch[] =>
  inYamlOrder(
    rules.map(({ origin, peers, ports }) => ({
      origin,
      peers,
      ports: port === undefined ? ports : ports.filter((one) => includes(one.ports, port)),
    })),
  ).map(({ origin, port: { ports } }) => ({ origin, ports }));

const includes = (ports: MatchedPorts, { protocol, number }: FlowPort): boolean =>
  ports === 'every' || hasPort(ports, protocol, number);

/** The ports that both directions allow. */
export const allowanceOf = ({ egress, ingress }: DirectionVerdicts): Allowance =>
  together(allowanceIn(egress), allowanceIn(ingress));

export function allowanceIn(verdict: DirectionVerdict): Allowance {
  if (verdict.kind === 'unknownPod') return nothing;
  if (verdict.kind !== 'isolated') return everything;
  return verdict.rules
    .map(({ peers, ports }) =>
      allowanceOn(
        portsOf(ports),
        peers.every(({ assumed }) => assumed),
      ),
    )
    .reduce(either, nothing);
}

/** Those of a rule's ports together. */
export const portsOf = (matched: readonly MatchedPort[]): MatchedPorts =>
  matched.some(({ ports }) => ports === 'every')
    ? 'every'
    : matched.flatMap(({ ports }) => (ports === 'every' ? [] : ports));

export function allowanceOn(matched: MatchedPorts, assumed: boolean): Allowance {
  const ports = portSetOf(matched);
  return { ports, sure: assumed ? noPorts : ports };
}

const portSetOf = (ports: MatchedPorts): PortSet => (ports === 'every' ? allPorts : portSet(ports));
