import type { LoopObserver } from '../reconciler/types.js';

/** Several that follow the loop as one. */
export const together = (observers: readonly Partial<LoopObserver>[]): LoopObserver => ({
  changesCompiled: (changes, program) => observers.forEach((one) => one.changesCompiled?.(changes, program)),
  changesApplied: (compiled) => observers.forEach((one) => one.changesApplied?.(compiled)),
  podsAttached: (attachments) => observers.forEach((one) => one.podsAttached?.(attachments)),
  beforeRemoval: async (counters) => {
    await Promise.all(observers.map(async (one) => one.beforeRemoval?.(counters)));
  },
  countersRemoved: (counters) => observers.forEach((one) => one.countersRemoved?.(counters)),
});
