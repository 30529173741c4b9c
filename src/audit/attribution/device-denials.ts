/** Denials at a pod's own device. Its pod is the one behind the device, whatever address the packet has. */
import type { Pod } from '../../model/pod.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { LocatedPacket, LoggedPacket } from './logged-packet.js';

interface DeviceDenial {
  /** `guard`: of what the pod sends, whose source is forged; `egress-guard`: of what is sent to the pod. */
  readonly guard: 'guard' | 'egress-guard';
  readonly pod: Pod | undefined;
  readonly mode: PolicyMode;
}

export function deviceDenial(located: LocatedPacket, { guard, pod, mode }: DeviceDenial): LoggedPacket {
  const role = guard === 'guard' ? 'source' : 'destination';
  const { address, port } = located[role];
  const endpoint = { address, ...(port === undefined ? {} : { port }) };
  return {
    ...located,
    verdict: 'deny',
    mode,
    ...(role === 'source' ? { reason: 'source-guard', direction: 'egress' } : { reason: 'base', direction: 'ingress' }),
    [role]: pod === undefined ? { ...endpoint, class: 'unknown' } : { ...endpoint, class: 'pod', pod },
    isolating: [],
    trace: [],
  };
}
