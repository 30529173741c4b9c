import { families } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import type { Ruleset } from '../language/types.js';
import { chains } from './chains.js';
import { setName } from './sets.js';

/** What the kernel holds, in numbers that a person can compare with the cluster. */
export interface KernelSummary {
  /** Addresses with an isolation chain, both families. */
  readonly podsIsolatedForIngress: number;
  readonly podsIsolatedForEgress: number;
  readonly chains: number;
  readonly sets: number;
  /** Without the elements that packets add (verdict cache, mid-stream flows). */
  readonly elements: number;
  /** Devices with a source guard. */
  readonly guards: number;
}

export function describeKernel(policy: Ruleset, guards: Ruleset | undefined): KernelSummary {
  const isolated = (direction: Direction): number =>
    families.reduce(
      (sum, family) => sum + (policy.sets.get(setName.dispatch(direction, family))?.elements.size ?? 0),
      0,
    );
  const ours = [...policy.sets.values()].filter((set) => set.dynamic === undefined);
  return {
    podsIsolatedForIngress: isolated('ingress'),
    podsIsolatedForEgress: isolated('egress'),
    chains: policy.chains.size,
    sets: policy.sets.size,
    elements: ours.reduce((sum, set) => sum + set.elements.size, 0),
    guards: [...(guards?.chains.keys() ?? [])].filter((name) => chains.meaningAs('guard', name) !== undefined).length,
  };
}
