import type { KeyType, NftSet } from './types.js';

/** A set without elements: what differs (a map, intervals, what packets add) is said beside it. */
export const emptySet = (name: string, type: readonly KeyType[]): NftSet => ({
  name,
  type,
  verdicts: false,
  interval: false,
  elements: new Map(),
});
