/**
 * The verdict cache: relations that passed an isolation chain. Its generation is the only number in the
 * ruleset that goes up. The rules that name a generation's sets stand in chains of that generation, and one jump in each of three
 * fixed chains says which generation is in use; so a narrowing change moves on to an empty one, which stands ready, by
 * rewriting three jumps (nft is slow to add rules, and a packet that meets a half-made cache is only evaluated).
 *
 * An empty cache costs everybody's flows an evaluation, so under a stream of narrowing changes a generation stays in use
 * for a while: the addresses that a change concerns enter its `cache-except` sets in the same transaction, and the jumps
 * lead to a second form of its look-ups, which does not answer for those addresses. The sets are of the generation, and go
 * with it: a packet that still walks its chains must find them filled.
 */
import { families, type Family } from '../../model/address.js';
import { sameChain, sameKind } from '../language/compare.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { Chain, NftSet, Rule, Ruleset, Statement } from '../language/types.js';
import { cacheUses, chains, type CacheUse } from '../names/chains.js';
import { sets } from '../names/sets.js';
import { shareSets, withinShare, type Share } from './shares.js';
import { cacheTitles } from './skeleton-titles.js';

const cacheSet = (family: Family, generation: number): string => sets.nameOf({ kind: 'cache', family, generation });
export const exceptSet = (family: Family, generation: number): string =>
  sets.nameOf({ kind: 'cache-except', family, generation });
const pointer = (use: CacheUse): string => chains.nameOf({ kind: 'cache', use });
/** What is added for an excepted address is never found. */
const generationChain = (use: CacheUse, { generation, excepting }: CacheState): string =>
  chains.nameOf({ kind: 'cache-generation', use, excepting: excepting && use !== 'cache-add', generation });

/** Which generation packets meet, and whether in the form that makes exceptions. */
export interface CacheState {
  readonly generation: number;
  readonly excepting: boolean;
}

/** What a desired ruleset is written with; the kernel's own is the planner's business. */
export const firstCache: CacheState = { generation: 1, excepting: false };

/** The chain that every packet meets first of the cache. */
export const cacheLookup = pointer('cache-lookup');

export function cacheSets(generation: number): NftSet[] {
  return families.flatMap((family) => {
    const address = addressType(family);
    return [
      {
        ...emptySet(cacheSet(family, generation), [address, address, 'inet_proto', 'inet_service']),
        dynamic: { timeoutSeconds: relationTimeout, size: 65_536 },
      },
      emptySet(exceptSet(family, generation), [address]),
      ...shareSets(family, shareOf(generation)),
    ];
  });
}

/** A time-out of relations, in seconds. */
const relationTimeout = 300;
/**
 * Of 65,536 relations a pod has at most 6,848: after a swap 2,048 at once, since all that live are cached anew. The limits are
 * of the generation, as what counts towards them. One that has used its share up is evaluated, and alone pays for it.
 */
const shareOf = (generation: number): Share => ({
  setOf: (of, family) => sets.nameOf({ kind: 'cache-share', of, family, generation }),
  one: x.limit(16, 2048),
  all: x.limit(32, 8192),
  timeoutSeconds: relationTimeout,
});

/** The rules that name the sets of this generation; look-ups in both forms. */
export function generationChains(generation: number): Chain[] {
  const found = new Map<string, Chain>();
  for (const excepting of [false, true])
    for (const use of cacheUses) {
      const name = generationChain(use, { generation, excepting });
      const rules = families.flatMap((family) => generationRules(use, family, { generation, excepting }));
      if (!found.has(name)) found.set(name, { name, rules });
    }
  return [...found.values()];
}

function generationRules(use: CacheUse, family: Family, { generation, excepting }: CacheState): Rule[] {
  const cache = cacheSet(family, generation);
  // After the look-up: a packet whose relation is not cached needs none of these two.
  const unlessExcepted: readonly Statement[] = excepting
    ? [x.client(family), x.server(family)].map((address) => x.notInSet(address, exceptSet(family, generation)))
    : [];
  const ofPacket = x.relation(family, x.packetProtocol);
  switch (use) {
    case 'cache-lookup':
      return [{ statements: [x.packetHasPorts, x.inSet(ofPacket, cache), ...unlessExcepted, x.accept] }];
    case 'cache-add':
      return withinShare(family, shareOf(generation)).map((within) => ({
        statements: [x.packetHasPorts, ...within, x.record('add', ofPacket, cache)],
      }));
    case 'icmp-error-cache-lookup': {
      const quoted = x.inSet(x.relation(family, x.flowProtocol), cache);
      return [{ statements: [x.ofFamily(family), x.flowHasPorts, quoted, ...unlessExcepted, x.accept] }];
    }
  }
}

/** The fixed chains, as they say that this generation is in use. */
export const pointerChains = (state: CacheState): Chain[] =>
  cacheUses.map((use) => ({
    name: pointer(use),
    title: cacheTitles[use],
    rules: [{ statements: [x.jump(generationChain(use, state))] }],
  }));

/** Which generation a set belongs to; undefined for a set that is not of the cache. */
const generationOfSet = (name: string): number | undefined =>
  (['cache', 'cache-except', 'cache-share'] as const)
    .map((kind) => sets.meaningAs(kind, name))
    .find((meaning) => meaning !== undefined)?.generation;

export const isCacheSet = (name: string): boolean => generationOfSet(name) !== undefined;
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
    const generation = generationOfSet(set.name);
    if (generation !== undefined) of(generation).sets.push(set);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** What packets are looked up in, if the rule that says so is there. */
export function cacheInUse(ruleset: Ruleset): CacheState | undefined {
  for (const { statements } of ruleset.chains.get(cacheLookup)?.rules ?? [])
    for (const statement of statements) {
      if (!('jump' in statement)) continue;
      const meaning = chains.meaningAs('cache-generation', statement.jump.target);
      if (meaning?.use === 'cache-lookup') return meaning;
    }
  return undefined;
}

/** The addresses that a generation makes an exception of, in either family. */
export const exceptedIn = (ruleset: Ruleset, generation: number): string[] =>
  families.flatMap((family) => [...(ruleset.sets.get(exceptSet(family, generation))?.elements.keys() ?? [])]);

/** Whether a generation would answer again for addresses that it had been made to forget. */
export function hasLostExceptions(before: Ruleset, after: Ruleset): boolean {
  const [had, has] = [cacheInUse(before), cacheInUse(after)];
  if (had?.excepting !== true || has?.generation !== had.generation) return false;
  const left = new Set(exceptedIn(after, has.generation));
  return !has.excepting || exceptedIn(before, had.generation).some((address) => !left.has(address));
}

/** The generation that stands ready to be the next one in use. */
export function standbyGeneration(ruleset: Ruleset, generations = generationsIn(ruleset)): number | undefined {
  const inUse = cacheInUse(ruleset)?.generation ?? 0;
  return [...generations.keys()].reverse().find((one) => one > inUse && generationIsIntact(ruleset, one));
}

/** A cache of any generation is as good as another, as long as all of its rules and both sets are there. */
export function cacheIsIntact(applied: Ruleset): boolean {
  const state = cacheInUse(applied);
  return (
    state !== undefined && generationIsIntact(applied, state.generation) && hasChains(applied, pointerChains(state))
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
  const kept = [cacheInUse(ruleset)?.generation, standbyGeneration(ruleset, generations)];
  return [...generations].filter(([generation]) => !kept.includes(generation)).map(([, objects]) => objects);
}
