/** Verdicts of policies: what is enforced, or what a dry run would do. */
import { policyKey, type Direction, type PolicyRef } from '../../model/policy.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { LoggedChain } from '../../program/logged-chain.js';
import type { RecordReason, RecordVerdict, TraceStep } from '../record.js';
import { ownEndpoint, podKeyOf, type LocatedPacket, type LoggedPacket, type PacketEndpoint } from './logged-packet.js';
import type { PolicyHistory } from './policy-history.js';

/** A chain that belongs to policies. */
type PolicyChain = Extract<LoggedChain, { readonly direction: Direction }>;

interface Moment {
  /** When the packet arrived, in milliseconds since the epoch. */
  readonly time: number;
  readonly history: PolicyHistory;
}

export function policyVerdict(
  located: LocatedPacket,
  meaning: PolicyChain | undefined,
  history: PolicyHistory,
): LoggedPacket {
  const { chain, source, destination } = located;
  const { time } = located.packet;
  const decision = history.decisionOf(chain, time);
  // The name of a chain of an earlier agent still says its direction, verdict and mode.
  const { verdict = verdictOf(meaning), mode = modeOf(meaning), rule } = decision ?? {};
  const direction = decision?.direction ?? meaning?.direction ?? directionOf(source, time, history);
  const pod = podKeyOf(ownEndpoint({ direction, source, destination }));
  const isolating =
    rule === undefined || pod === undefined
      ? (decision?.isolating ?? [])
      : history.isolationAllowing(pod, { policy: rule.policy, direction }, time);
  const moment = { time, history };
  const byRule = rule !== undefined || decision === undefined;
  return {
    ...located,
    verdict,
    mode,
    reason: verdict === 'deny' ? denialReason(isolating, moment) : byRule ? 'rule' : 'not-isolated',
    direction,
    isolating,
    ...(rule === undefined ? {} : { rule }),
    trace: [
      ...isolating
        .filter((ref) => rule === undefined || policyKey(ref) !== policyKey(rule.policy))
        .map((ref) => traceStep(ref, null, moment)),
      ...(rule === undefined ? [] : [traceStep(rule.policy, { index: rule.index }, moment)]),
    ],
  };
}

/** A policy that fails closed allows nothing: once it is corrected, it may allow the packet. */
function denialReason(isolating: readonly PolicyRef[], { time, history }: Moment): RecordReason {
  const isBroken = (ref: PolicyRef): boolean => history.policyAt(policyKey(ref), time)?.kind === 'broken';
  return isolating.some(isBroken) ? 'invalid-policy' : 'default-deny';
}

export function traceStep(ref: PolicyRef, rule: TraceStep['rule'], { time, history }: Moment): TraceStep {
  const { kind, namespace, name } = ref;
  const generation = history.policyAt(policyKey(ref), time)?.generation;
  return {
    tier: 'NetworkPolicy',
    kind,
    namespace,
    name,
    ...(generation === undefined ? {} : { generation }),
    rule,
    action: rule === null ? 'NoMatch' : 'Accept',
  };
}

/** For a chain that does not say it: a packet from a pod of this node leaves that pod. */
export function directionOf(source: PacketEndpoint, time: number, history: PolicyHistory): Direction {
  const pod = podKeyOf(source);
  return pod !== undefined && history.isLocal(pod, time) ? 'egress' : 'ingress';
}

const modeOf = (meaning: PolicyChain | undefined): PolicyMode =>
  meaning?.kind === 'dry-run-allow' || meaning?.kind === 'dry-run-deny' ? 'dry-run' : 'enforce';
const verdictOf = (meaning: PolicyChain | undefined): RecordVerdict =>
  meaning === undefined || meaning.kind === 'deny' || meaning.kind === 'dry-run-deny' ? 'deny' : 'allow';
