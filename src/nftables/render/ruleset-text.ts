/** The ruleset as nft text for people; `nft -f` loads it into an empty namespace. */
import { firstCache, generationChains, pointerChains } from './cache.js';
import { skeletonSets } from './skeleton-sets.js';
import { skeletonChainNames } from '../names/chains.js';
import {
  printBlock,
  printComment,
  printElement,
  printHook,
  printRule,
  printSetForm,
} from '../language/statement-text.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';

const printChain = ({ name, title, hook, rules }: Chain): string[] => [
  `  chain ${name} {`,
  ...[...printComment(title), ...printHook(hook), ...rules.map(printRule)].map((line) => `    ${line}`),
  '  }',
];

function printSet(set: NftSet): string[] {
  const elements = [...set.elements].map(printElement).sort((a, b) => (a < b ? -1 : 1));
  const listed = elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} };`];
  const parts = [...printSetForm(set), ...printComment(set.title), ...listed];
  return [`  ${set.verdicts ? 'map' : 'set'} ${set.name}${printBlock(parts)}`];
}

/** The fixed chains from the hook on, and the verdict cache of a ruleset that no kernel has held yet. */
const firstChains: readonly string[] = [
  ...skeletonChainNames,
  ...[...pointerChains(firstCache), ...generationChains(firstCache.generation)].map(({ name }) => name),
];

/** The skeleton first, in its own order; then by name. */
function ordered<T extends { readonly name: string }>(objects: Iterable<T>, first: readonly string[]): T[] {
  const rank = new Map(first.map((name, index) => [name, index]));
  const rankOf = (object: T): number => rank.get(object.name) ?? Infinity;
  return [...objects].sort((a, b) => {
    const [left, right] = [rankOf(a), rankOf(b)];
    return left === right ? (a.name < b.name ? -1 : 1) : left - right;
  });
}

/**
 * Counters, sets, then the chains from the hook on. Each set has its title here; of those that the agent loads, the kernel
 * keeps the titles of sets of intervals only (command-text.ts).
 */
export function printRuleset(ruleset: Ruleset): string {
  const sets = ordered(
    ruleset.sets.values(),
    skeletonSets('stateless').map((set) => set.name),
  );
  return [
    `table ${ruleset.family} ${ruleset.table} {`,
    ...printComment(ruleset.title).map((line) => `  ${line}`),
    ...[...ruleset.counters].sort().map((name) => `  counter ${name} { }`),
    ...sets.flatMap(printSet),
    ...ordered(ruleset.chains.values(), firstChains).flatMap(printChain),
    '}',
    '',
  ].join('\n');
}
