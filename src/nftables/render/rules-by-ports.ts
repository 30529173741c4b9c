/**
 * Pods that many policies select. Trying one rule list after another costs a jump each, which a flood of denied packets
 * would pay for every packet. So the rules of all lists are put together by what they ask for, in chains that packets
 * enter only when they may match:
 *
 *   some ports (many port forms only) -> each form of ports -> peers of one family -> a bucket of groups (many only) -> rules
 *
 * All but the first level is shared by every isolation that has the same rules in it, and holds no member of a group.
 */
import { families, type Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import * as x from '../language/expressions.js';
import type { Chain, Rule, Statement } from '../language/types.js';
import { chains, type ChainMeaning } from '../names/chains.js';
import { hashOf } from '../names/hash.js';
import type { ChainNode } from './chain-trees.js';
import type { SetUse } from './group-sets.js';
import { bucketOf, bucketSetName } from './peer-buckets.js';
import { peerAddress, type PeerForm } from './peer-forms.js';
import { portSet, type PortForm } from './port-forms.js';
import { matchesOf } from './rule-matches.js';

/** One way to be the peer of a rule with one way to be on its ports. */
export interface RuleEntry {
  /** Equal for entries that do the same with the same peers. */
  readonly content: string;
  readonly peer: PeerForm;
  readonly ports: PortForm;
  readonly verdict: readonly Statement[];
  readonly comment: string;
  /** The chain that the verdict goes to, if that is not there on every node. */
  readonly target?: ChainNode;
}

/** Part of a chain's rules, and what they need. */
export interface RulePart {
  /** Equal for parts that are equal. */
  readonly content: string;
  readonly rules: readonly Rule[];
  readonly targets: readonly ChainNode[];
  readonly bucketed?: readonly SetUse[];
}

export interface SearchContext {
  readonly direction: Direction;
  /** Rules that are tried one after another; more of them are looked for in buckets. */
  readonly inlineRules: number;
  /** The node of a chain that is there. */
  readonly known: (name: string) => ChainNode | undefined;
}

/** A chain of its own for fewer rules saves nothing. */
const fewestInChain = 3;
const isFew = (count: number, { inlineRules }: SearchContext): boolean =>
  count < Math.min(fewestInChain, inlineRules + 1);

/** The rules of many lists, in the order of the lists where they ask for the same. */
export function rulesByPorts(entries: readonly RuleEntry[], context: SearchContext): readonly RulePart[] {
  const forms = [...groupedBy(entries, ({ ports }) => ports.key).values()];
  const numbered = forms.filter(([{ ports }]) => ports.ranges !== undefined);
  if (numbered.length <= context.inlineRules) return forms.flatMap((form) => partsOfForm(form, context));
  const others = forms.filter(([{ ports }]) => ports.ranges === undefined);
  const buckets = groupedBy(numbered, ([{ ports }]) => bucketOf(ports.key));
  return [
    ...[...buckets.values()].flatMap((some) =>
      isFew(some.length, context) ? some.flatMap((form) => partsOfForm(form, context)) : [partOfPorts(some, context)],
    ),
    ...others.flatMap((form) => partsOfForm(form, context)),
  ];
}

type Several<T> = readonly [T, ...T[]];

function groupedBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, Several<T>> {
  const groups = new Map<K, [T, ...T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Those that any of the entries is about. */
const familiesOf = (entries: readonly RuleEntry[]): readonly Family[] =>
  families.filter((family) => entries.some(({ peer }) => peer.families.includes(family)));

/** Several forms of ports behind one look-up of all of their ports. */
function partOfPorts(forms: Several<Several<RuleEntry>>, context: SearchContext): RulePart {
  const { direction } = context;
  const parts = forms.flatMap((form) => partsOfForm(form, context));
  const content = forms.map(([{ ports }]) => ports.key);
  const node = nodeOf({ kind: 'rules-on-some-ports', direction }, [...content, ...parts.map((part) => part.content)], {
    context,
    build: () => ({
      ...joined(parts),
      title: `${direction} rules on some ports`,
      sets: [portSet(forms.flatMap(([{ ports }]) => ports.ranges ?? []))],
    }),
  });
  const [set] = node.sets ?? [];
  if (set === undefined) throw new Error(`chain ${node.chain.name} has no set of ports`);
  const match = x.inSet(x.concat(x.flowProtocol, x.flowPort('reply')), set.name);
  return {
    content: node.chain.name,
    // nft types a port by family and protocol.
    rules: familiesOf(forms.flat()).map((family) => ({
      statements: [x.ofFamily(family), x.flowHasPorts, match, x.jump(node.chain.name)],
    })),
    targets: [node],
  };
}

/** All rules on the same ports. */
function partsOfForm(entries: Several<RuleEntry>, context: SearchContext): readonly RulePart[] {
  const [{ ports }] = entries;
  const byPeer = [...groupedBy(entries, ({ peer }) => peer.key).values()];
  if (isFew(byPeer.length, context))
    return byPeer.map((same): RulePart => {
      const { content, verdict, targets } = verdictOf(same, context);
      const rules = matchesOf(same[0].peer, ports).map((match) => ({
        ...verdict,
        statements: [...match, ...verdict.statements],
      }));
      return { content: `${ports.key} ${content}`, rules, targets };
    });
  return familiesOf(entries).map((family): RulePart => {
    const ofFamily = byPeer.filter(([{ peer }]) => peer.families.includes(family));
    const node = nodeOfPeers(ofFamily, family, context);
    const match = [x.ofFamily(family), ...ports.guard(), ...ports.match(family)];
    return {
      content: `${ports.key} ${node.chain.name}`,
      rules: [{ statements: [...match, x.jump(node.chain.name)] }],
      targets: [node],
    };
  });
}

/** Packets come here whose ports and family are right. */
function nodeOfPeers(peers: readonly Several<RuleEntry>[], family: Family, context: SearchContext): ChainNode {
  const { direction, inlineRules } = context;
  const contents = peers.flatMap((same) => same.map(({ content }) => content));
  return nodeOf({ kind: 'rules-for-peers', direction, family }, [String(inlineRules), ...contents], {
    context,
    build: () => {
      const pods = peers.filter(([{ peer }]) => peer.pods !== undefined);
      const others = peers.filter(([{ peer }]) => peer.pods === undefined);
      const direct = (some: readonly Several<RuleEntry>[]): RulePart[] =>
        some.map((same) => partOfPeer(same, family, context));
      const parts =
        pods.length <= inlineRules
          ? direct(pods)
          : [...groupedBy(pods, ([{ peer }]) => bucketOf(peer.pods?.names[family] ?? '')).values()].flatMap((some) =>
              isFew(some.length, context) ? direct(some) : [partOfBucket(some, family, context)],
            );
      return { ...joined([...parts, ...direct(others)]), title: `${direction} rules for ${family} peers` };
    },
  });
}

/** Groups of pods that have a bucket in common, behind one look-up. */
function partOfBucket(peers: Several<Several<RuleEntry>>, family: Family, context: SearchContext): RulePart {
  const { direction } = context;
  const contents = peers.flatMap((same) => same.map(({ content }) => content));
  const node = nodeOf({ kind: 'rules-for-some-peers', direction, family }, contents, {
    context,
    build: () => ({
      ...joined(peers.map((same) => partOfPeer(same, family, context))),
      title: `${direction} rules for some ${family} peers`,
    }),
  });
  const bucketed = peers.flatMap(([{ peer }]) => peer.pods ?? []);
  const [first] = bucketed;
  const set = bucketSetName(bucketOf(first?.names[family] ?? ''), family);
  return {
    content: node.chain.name,
    rules: [{ statements: [x.inSet(peerAddress(direction, family), set), x.jump(node.chain.name)] }],
    targets: [node],
    bucketed,
  };
}

function partOfPeer(same: Several<RuleEntry>, family: Family, context: SearchContext): RulePart {
  const [{ peer }] = same;
  const { content, verdict, targets } = verdictOf(same, context);
  // What looks up more than an address is typed by the family before it.
  const typed = peer.pods === undefined && peer.key !== 'anyone' ? [x.ofFamily(family)] : [];
  const statements = [...typed, ...peer.match(family), ...verdict.statements];
  return { content, rules: [{ ...verdict, statements }], targets };
}

interface Verdict {
  readonly content: string;
  readonly verdict: Rule;
  readonly targets: readonly ChainNode[];
}

/** What happens to packets of one peer. The first of several rules has them all; the others are kept beside it. */
function verdictOf(same: Several<RuleEntry>, context: SearchContext): Verdict {
  const [first, ...more] = same;
  const targetsOf = (entries: readonly RuleEntry[]): ChainNode[] => entries.flatMap(({ target }) => target ?? []);
  const ruleOf = ({ verdict, comment }: RuleEntry): Rule => ({ statements: verdict, comment });
  if (more.length === 0) return { content: first.content, verdict: ruleOf(first), targets: targetsOf(same) };
  const { direction } = context;
  const contents = same.map(({ content }) => content);
  const node = nodeOf({ kind: 'rules-for-one-peer', direction }, contents, {
    context,
    build: () => ({
      rules: same.map(ruleOf),
      targets: targetsOf(same),
      title: `${direction} rules for the same peers`,
    }),
  });
  return { content: node.chain.name, verdict: { statements: [x.goto(node.chain.name)] }, targets: [node] };
}

/** Several parts as the rules of one chain. */
const joined = (parts: readonly RulePart[]): Pick<RulePart, 'rules' | 'targets' | 'bucketed'> => ({
  rules: parts.flatMap(({ rules }) => rules),
  targets: parts.flatMap(({ targets }) => targets),
  bucketed: parts.flatMap(({ bucketed }) => bucketed ?? []),
});

type Name = Extract<ChainMeaning, { kind: `rules-${string}` }>;
type Unfinished<One> = One extends unknown ? Omit<One, 'content'> : never;

interface Making {
  readonly context: SearchContext;
  readonly build: () => Pick<Chain, 'title' | 'rules'> & Omit<ChainNode, 'chain'>;
}

/** A chain is built only where it is not there yet: of a change of one policy, few are. */
function nodeOf(name: Unfinished<Name>, contents: readonly string[], { context, build }: Making): ChainNode {
  const full = chains.nameOf({ ...name, content: hashOf(contents.join('\0')) });
  const known = context.known(full);
  if (known !== undefined) return known;
  const { title, rules, ...needs } = build();
  return { chain: { name: full, ...(title === undefined ? {} : { title }), rules }, ...needs };
}
