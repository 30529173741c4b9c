/** The ruleset as nft text for people; `nft -f` loads it into an empty namespace. */
import { firstGeneration, generationChains, pointerChains } from './cache.js';
import { skeletonSets } from './skeleton-sets.js';
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

const chainNotes: ReadonlyMap<string, string> = new Map([
  ['forward', 'every forwarded packet starts here; what no chain accepts is dropped'],
  ['egress', 'by client: an isolated one may only do what its policies allow, then the server has its say'],
  ['ingress', 'by server; where nothing isolates either, to not-isolated'],
  ['ingress-after-egress', 'the egress stage allowed it, so a server that is not isolated makes it allowed'],
  ['mid-stream', 'who is the client is not known: only where neither orientation meets an isolated pod'],
  [
    'icmp-errors',
    'ICMP errors are evaluated by the flow that they quote, and only its client and server may send them',
  ],
  ['untracked', 'no conntrack entry: nothing to or from an isolated pod'],
  ['deny-by-ct-state', 'without an entry, or with one that conntrack calls invalid'],
  ['allow', 'allowed by a policy: cached, and accepted'],
  ['not-isolated', 'no policy isolates client or server'],
  ['allow-uncached', 'no policy isolates the server, and a dry run or the audit log must see every packet'],
  [
    'cache-lookup',
    'relations that were allowed before; a change that may narrow moves on to another, empty generation',
  ],
]);

/** The skeleton first, in its own order; then by name. */
function ordered<T extends { readonly name: string }>(objects: Iterable<T>, first: readonly string[]): T[] {
  const rank = new Map(first.map((name, index) => [name, index]));
  const rankOf = (object: T): number => rank.get(object.name) ?? Infinity;
  return [...objects].sort((a, b) => {
    const [left, right] = [rankOf(a), rankOf(b)];
    return left === right ? (a.name < b.name ? -1 : 1) : left - right;
  });
}

/** Counters, sets, then the chains from the hook on; as `nft list` shows what the agent has loaded. */
export function printRuleset(ruleset: Ruleset): string {
  const sets = ordered(
    ruleset.sets.values(),
    skeletonSets().map((set) => set.name),
  );
  return [
    `table ${ruleset.family} ${ruleset.table} {`,
    ...printComment(ruleset.title).map((line) => `  ${line}`),
    ...[...ruleset.counters].sort().map((name) => `  counter ${name} { }`),
    ...sets.flatMap(printSet),
    ...ordered(ruleset.chains.values(), [
      ...chainNotes.keys(),
      ...[...pointerChains(firstGeneration), ...generationChains(firstGeneration)].map(({ name }) => name),
    ]).flatMap(printChain),
    '}',
    '',
  ].join('\n');
}
