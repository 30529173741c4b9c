import type { PolicyRule } from '../model/policy.js';
import { portWithin } from './containment.js';
import { PeerContainers } from './peer-containers.js';

/** Whether all that `narrow` allows is allowed by `wide`, at the same pods: proved from the text alone. */
export const ruleWithin = (narrow: PolicyRule, wide: PolicyRule, namespace: string): boolean =>
  peersWithin(narrow.peers, wide.peers, namespace) && portsWithin(narrow.ports, wide.ports);

function peersWithin(narrow: PolicyRule['peers'], wide: PolicyRule['peers'], namespace: string): boolean {
  if (wide === 'anyone') return true;
  if (narrow === 'anyone') return false;
  const containers = PeerContainers.of(wide);
  return narrow.every((peer) => containers.contain(peer, namespace));
}

function portsWithin(narrow: PolicyRule['ports'], wide: PolicyRule['ports']): boolean {
  if (wide === 'anyPort') return true;
  return narrow !== 'anyPort' && narrow.every((port) => wide.some((other) => portWithin(port, other)));
}
