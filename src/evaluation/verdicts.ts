/** What follows from the verdicts of both directions: whether a connection is allowed, on which ports, and why. */
import type { Direction, PolicyRef, Protocol } from '../model/policy.js';
import type { PortRange, PortSet } from '../model/reachability.js';
import type { RuleOrigin } from '../program/types.js';
import { either, everything, nothing, together, type Allowance } from './allowances.js';
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
      readonly rules: readonly RuleMatch[];
    };

export type DirectionVerdicts = Readonly<Record<Direction, DirectionVerdict>>;

/** A rule whose peer matches. */
export interface RuleMatch {
  readonly origin: RuleOrigin;
  readonly ports: MatchedPorts;
  /** It rests on a block that covers every address that the pod may get. */
  readonly assumed: boolean;
}

/** `every`: whatever the protocol, those without ports (ICMP and the like) too. */
export type MatchedPorts = 'every' | readonly PortRange[];

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

/** @param port absent: those that allow anything */
export const rulesAllowing = (rules: readonly RuleMatch[], port: FlowPort | undefined): readonly RuleMatch[] =>
  port === undefined ? rules : rules.filter(({ ports }) => includes(ports, port));

const includes = (ports: MatchedPorts, { protocol, number }: FlowPort): boolean =>
  ports === 'every' || hasPort(ports, protocol, number);

/** The ports that both directions allow. */
export const allowanceOf = ({ egress, ingress }: DirectionVerdicts): Allowance =>
  together(allowanceIn(egress), allowanceIn(ingress));

export function allowanceIn(verdict: DirectionVerdict): Allowance {
  if (verdict.kind === 'unknownPod') return nothing;
  if (verdict.kind !== 'isolated') return everything;
  return verdict.rules.map(({ ports, assumed }) => allowanceOn(ports, assumed)).reduce(either, nothing);
}

export function allowanceOn(matched: MatchedPorts, assumed: boolean): Allowance {
  const ports = portSetOf(matched);
  return { ports, sure: assumed ? noPorts : ports };
}

const portSetOf = (ports: MatchedPorts): PortSet => (ports === 'every' ? allPorts : portSet(ports));
