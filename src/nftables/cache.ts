/**
 * The verdict cache: relations that passed an isolation chain. Its generation is the only thing in the ruleset that
 * counts; a narrowing change moves on to a new, empty set by rewriting three small chains.
 */
import { families, type Family } from '../model/address.js';
import { sameChain, sameKind } from './compare.js';
import * as x from './expressions.js';
import { addressType, setName } from './skeleton.js';
import type { Chain, NftSet, Ruleset } from './types.js';

export const cacheChainNames = ['cached', 'remember', 'error-cached'] as const;
/** What a wanted ruleset is written with; the kernel's own generation is the planner's business. */
export const firstGeneration = 1;

const relation = (family: Family, protocol: x.Expression): x.Expression =>
  x.concat(x.client(family), x.server(family), protocol, x.flowPort('reply'));

export function cacheSets(generation: number): NftSet[] {
  return families.map((family) => ({
    name: setName.cache(family, generation),
    type: [addressType(family), addressType(family), 'inet_proto', 'inet_service'],
    verdicts: false,
    interval: false,
    dynamic: { timeoutSeconds: 300, size: 65_536 },
    elements: new Map(),
  }));
}

/** The six rules that name the cache, in chains of their own, so that a swap rewrites nothing else. */
export function cacheChains(generation: number): Chain[] {
  const name = (family: Family): string => setName.cache(family, generation);
  return [
    {
      name: 'cached',
      rules: families.map((family) => ({
        statements: [x.packetHasPorts, x.inSet(relation(family, x.packetProtocol), name(family)), x.accept],
      })),
    },
    {
      name: 'remember',
      rules: families.map((family) => ({
        statements: [x.packetHasPorts, x.record('add', relation(family, x.packetProtocol), name(family))],
      })),
    },
    {
      name: 'error-cached',
      rules: families.map((family) => ({
        statements: [
          x.ofFamily(family),
          x.flowHasPorts,
          x.inSet(relation(family, x.flowProtocol), name(family)),
          x.accept,
        ],
      })),
    },
  ];
}

export const isCacheChain = (name: string): boolean => (cacheChainNames as readonly string[]).includes(name);

const cacheSetPattern = /^cache[46]-(\d+)$/;
export const isCacheSet = (name: string): boolean => cacheSetPattern.test(name);

/** Above every generation that the kernel has a set of, in use or not. */
export function nextGeneration(ruleset: Ruleset): number {
  let highest = 0;
  for (const name of ruleset.sets.keys()) highest = Math.max(highest, Number(cacheSetPattern.exec(name)?.[1] ?? 0));
  return highest + 1;
}

/** The generation that chain `cached` reads, if its first rule is ours. */
export function generationInUse(ruleset: Ruleset): number | undefined {
  const found = /@cache[46]-(\d+)/.exec(JSON.stringify(ruleset.chains.get('cached')?.rules ?? []));
  return found === null ? undefined : Number(found[1]);
}

/** A cache of any generation is as good as another, as long as all of its rules and both sets are there. */
export function cacheIsIntact(applied: Ruleset): boolean {
  const generation = generationInUse(applied);
  if (generation === undefined) return false;
  const setsThere = cacheSets(generation).every((set) => {
    const found = applied.sets.get(set.name);
    return found !== undefined && sameKind(set, found);
  });
  return (
    setsThere &&
    cacheChains(generation).every((chain) => {
      const found = applied.chains.get(chain.name);
      return found !== undefined && sameChain(chain, found);
    })
  );
}
