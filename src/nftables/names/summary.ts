import type { Ruleset } from '../language/types.js';

/** What the kernel holds, in numbers that a person can compare with the cluster. */
export interface KernelSummary {
  /** Addresses with an isolation chain, both families. */
  readonly podsIsolatedForIngress: number;
  readonly podsIsolatedForEgress: number;
  readonly chains: number;
  readonly sets: number;
  /** Without the elements that packets add (verdict cache, picked-up streams). */
  readonly elements: number;
  /** Devices with a source guard. */
  readonly guards: number;
}

export function describeKernel(policy: Ruleset, guards: Ruleset | undefined): KernelSummary {
  const size = (name: string): number => policy.sets.get(name)?.elements.size ?? 0;
  const ours = [...policy.sets.values()].filter((set) => set.dynamic === undefined);
  return {
    podsIsolatedForIngress: size('ingress4') + size('ingress6'),
    podsIsolatedForEgress: size('egress4') + size('egress6'),
    chains: policy.chains.size,
    sets: policy.sets.size,
    elements: ours.reduce((sum, set) => sum + set.elements.size, 0),
    guards: [...(guards?.chains.keys() ?? [])].filter((name) => name.startsWith('guard-')).length,
  };
}
