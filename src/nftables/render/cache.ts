/**
 * The verdict cache: relations that passed an isolation chain. Its generation is the only number in the
 * ruleset that goes up. The rules that name a generation's sets stand in chains of that generation, and one jump in each of three
 * fixed chains says which generation is in use; so a narrowing change moves on to an empty one, which stands ready, by
 * rewriting three jumps (nft is slow to add rules, and a packet that meets a half-made cache is only evaluated).
 */
import { families, type Family } from '../../model/address.js';
import { sameChain, sameKind } from '../language/compare.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';
import { cacheUses, chains, type CacheUse } from '../names/chains.js';
import { sets } from '../names/sets.js';
import { cacheTitles } from './skeleton-titles.js';

/** What a desired ruleset is written with; the kernel's own generation is the planner's business. */
export const firstGeneration = 1;

const cacheSet = (family: Family, generation: number): string => sets.nameOf({ kind: 'cache', family, generation });
const pointer = (use: CacheUse): string => chains.nameOf({ kind: 'cache', use });
const generationChain = (use: CacheUse, generation: number): string =>
  chains.nameOf({ kind: 'cache-generation', use, generation });

/** The chain that every packet meets first of the cache. */
export const cacheLookup = pointer('cache-lookup');

export function cacheSets(generation: number): NftSet[] {
  return families.map((family) => ({
    ...emptySet(cacheSet(family, generation), [addressType(family), addressType(family), 'inet_proto', 'inet_service']),
    dynamic: { timeoutSeconds: 300, size: 65_536 },
  }));
}

/** The six rules that name the sets of this generation. */
export function generationChains(generation: number): Chain[] {
  const name = (family: Family): string => cacheSet(family, generation);
  return [
    {
      name: generationChain('cache-lookup', generation),
      rules: families.map((family) => ({
        statements: [x.packetHasPorts, x.inSet(x.relation(family, x.packetProtocol), name(family)), x.accept],
      })),
    },
    {
      name: generationChain('cache-add', generation),
      rules: families.map((family) => ({
        statements: [x.packetHasPorts, x.record('add', x.relation(family, x.packetProtocol), name(family))],
      })),
    },
    {
      name: generationChain('icmp-error-cache-lookup', generation),
      rules: families.map((family) => ({
        statements: [
          x.ofFamily(family),
          x.flowHasPorts,
          x.inSet(x.relation(family, x.flowProtocol), name(family)),
          x.accept,
        ],
      })),
    },
  ];
}

/** The fixed chains, as they say that this generation is in use. */
export const pointerChains = (generation: number): Chain[] =>
  cacheUses.map((use) => ({
    name: pointer(use),
    title: cacheTitles[use],
    rules: [{ statements: [x.jump(generationChain(use, generation))] }],
  }));

export const isCacheSet = (name: string): boolean => sets.meaningAs('cache', name) !== undefined;
export const isCacheChain = (name: string): boolean =>
  chains.meaningAs('cache', name) !== undefined || chains.meaningAs('cache-generation', name) !== undefined;

export interface GenerationObjects {
  readonly chains: readonly string[];
  readonly sets: readonly NftSet[];
}

/** By generation, ascending: every object that a ruleset has of it, whole or not. */
export function generationsIn(ruleset: Ruleset): ReadonlyMap<number, GenerationObjects> {
  const found = new Map<number, { chains: string[]; sets: NftSet[] }>();
  const of = (generation: number): { chains: string[]; sets: NftSet[] } => {
    const objects = found.get(generation) ?? { chains: [], sets: [] };
    found.set(generation, objects);
    return objects;
  };
  for (const name of ruleset.chains.keys()) {
    const meaning = chains.meaningAs('cache-generation', name);
    if (meaning !== undefined) of(meaning.generation).chains.push(name);
  }
  for (const set of ruleset.sets.values()) {
    const meaning = sets.meaningAs('cache', set.name);
    if (meaning !== undefined) of(meaning.generation).sets.push(set);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** The generation that packets are looked up in, if the rule that says so is there. */
export function generationInUse(ruleset: Ruleset): number | undefined {
  for (const { statements } of ruleset.chains.get(cacheLookup)?.rules ?? [])
    for (const statement of statements) {
      if (!('jump' in statement)) continue;
      const meaning = chains.meaningAs('cache-generation', statement.jump.target);
      if (meaning?.use === 'cache-lookup') return meaning.generation;
    }
  return undefined;
}

/** The generation that stands ready to be the next one in use. */
export function standbyGeneration(ruleset: Ruleset, generations = generationsIn(ruleset)): number | undefined {
  const inUse = generationInUse(ruleset) ?? 0;
  return [...generations.keys()].reverse().find((one) => one > inUse && generationIsIntact(ruleset, one));
}

/** A cache of any generation is as good as another, as long as all of its rules and both sets are there. */
export function cacheIsIntact(applied: Ruleset): boolean {
  const generation = generationInUse(applied);
  return (
    generation !== undefined && generationIsIntact(applied, generation) && hasChains(applied, pointerChains(generation))
  );
}

const generationIsIntact = (applied: Ruleset, generation: number): boolean =>
  cacheSets(generation).every((set) => {
    const found = applied.sets.get(set.name);
    return found !== undefined && sameKind(set, found);
  }) && hasChains(applied, generationChains(generation));

const hasChains = (applied: Ruleset, chains: readonly Chain[]): boolean =>
  chains.every((chain) => {
    const found = applied.chains.get(chain.name);
    return found !== undefined && sameChain(chain, found);
  });

/** What is left of generations that are neither in use nor ready to be. */
export function staleCaches(ruleset: Ruleset): readonly GenerationObjects[] {
  const generations = generationsIn(ruleset);
  const kept = [generationInUse(ruleset), standbyGeneration(ruleset, generations)];
  return [...generations].filter(([generation]) => !kept.includes(generation)).map(([, objects]) => objects);
}
