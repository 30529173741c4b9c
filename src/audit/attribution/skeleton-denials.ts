/** Denials by rules that are the same on every node, whatever the policies are. */
import type { Direction } from '../../model/policy.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { SkeletonDrop } from '../../program/drop-reasons.js';
import type { RecordReason } from '../record.js';
import { podKeyOf, type LocatedPacket, type LoggedPacket } from './logged-packet.js';
import type { IsolatingPolicies, PolicyHistory } from './policy-history.js';
import { directionOf, traceStep } from './policy-verdicts.js';

interface SkeletonDenial {
  readonly drop: SkeletonDrop;
  readonly mode: PolicyMode;
  readonly history: PolicyHistory;
}

const reasonOf: Readonly<Record<SkeletonDrop, RecordReason>> = {
  'mid-stream': 'mid-stream',
  'midstream-full': 'mid-stream',
  untracked: 'untracked',
  invalid: 'invalid-packet',
  'icmp-error': 'icmp-error',
  'unknown-pod': 'unknown-pod',
  'unknown-pod-packet': 'unknown-pod',
};

export function skeletonDenial(located: LocatedPacket, { drop, mode, history }: SkeletonDenial): LoggedPacket {
  const { time } = located.packet;
  const isolation = isolationBehind(drop, located, history);
  const isolating = isolation?.by ?? [];
  return {
    ...located,
    verdict: 'deny',
    mode,
    reason: reasonOf[drop],
    direction: isolation?.direction ?? directionOf(located.source, time, history),
    isolating,
    trace: isolating.map((ref) => traceStep(ref, null, { time, history })),
  };
}

/** The chain does not say whose isolation was the reason: looked up in the order in which the chain's rules ask. */
function isolationBehind(
  drop: SkeletonDrop,
  { source, destination, packet: { time } }: LocatedPacket,
  history: PolicyHistory,
): IsolatingPolicies | undefined {
  const [sender, receiver] = [podKeyOf(source), podKeyOf(destination)];
  const isolation = (pod: string | undefined, direction: Direction): IsolatingPolicies | undefined =>
    pod === undefined ? undefined : history.isolationOf(pod, direction, time);
  switch (drop) {
    case 'mid-stream':
    case 'midstream-full':
      // The client is not known: first the sender as the server, then the receiver as the client.
      return isolation(sender, 'ingress') ?? isolation(receiver, 'egress');
    case 'untracked':
    case 'invalid':
      return (
        isolation(receiver, 'ingress') ??
        isolation(sender, 'egress') ??
        isolation(receiver, 'egress') ??
        isolation(sender, 'ingress')
      );
    case 'icmp-error':
    case 'unknown-pod':
    case 'unknown-pod-packet':
      return undefined;
  }
}
