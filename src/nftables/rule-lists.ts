/** A policy's rule list as one chain, shared by every endpoint that the policy selects. */
import { families, type Family } from '../model/address.js';
import { policyKey, type Direction } from '../model/policy.js';
import type { AllowRule, Group, GroupId, PeerMatch, PortMatch, RuleList } from '../program/types.js';
import { joinKey, rangeText } from './elements.js';
import * as x from './expressions.js';
import { groupSetName, hasFamily, titleOf } from './group-sets.js';
import { commentOf, hashOf, nameWithHash } from './names.js';
import type { Hit } from './peer-maps.js';
import type { Chain, NftSet, Rule, Statement } from './types.js';

export type GroupLookup = (id: GroupId) => Group;
type RangeMatch = Extract<PortMatch, { kind: 'range' }>;

/** Rules of one YAML rule with the same peer; their numeric ports need one look-up. */
interface Bundle {
  readonly rule: number;
  readonly peer: PeerMatch;
  readonly ranges: RangeMatch[];
  readonly others: Exclude<PortMatch, RangeMatch>[];
}

export interface RenderedRuleList {
  readonly chain: Chain;
  readonly portSets: readonly NftSet[];
  readonly counters: readonly string[];
  /** The same rules for a verdict map by peer; undefined when a peer is no group of pods. */
  readonly hits: readonly Hit[] | undefined;
}

export const short = (direction: Direction): 'in' | 'out' => (direction === 'ingress' ? 'in' : 'out');

function bundlesOf(rules: readonly AllowRule[]): Bundle[] {
  const bundles = new Map<string, Bundle>();
  for (const { peer, port, origin } of rules) {
    const key = `${origin.rule} ${peer.kind === 'anyone' ? '' : peer.of}`;
    const bundle = bundles.get(key) ?? { rule: origin.rule, peer, ranges: [], others: [] };
    bundles.set(key, bundle);
    if (port.kind === 'range') bundle.ranges.push(port);
    else if (!bundle.others.some((other) => samePort(other, port))) bundle.others.push(port);
  }
  return [...bundles.values()];
}

const samePort = (a: PortMatch, b: PortMatch): boolean =>
  a.kind === 'listeners' && b.kind === 'listeners' ? a.of === b.of : a.kind === b.kind;

/** Sorted by protocol and port, without overlaps: nft refuses an element that meets another. */
function merged(ranges: readonly RangeMatch[]): RangeMatch[] {
  const sorted = [...ranges].sort(
    (a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0) || a.first - b.first,
  );
  const result: RangeMatch[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last?.protocol === range.protocol && range.first <= last.last + 1)
      result[result.length - 1] = { ...last, last: Math.max(last.last, range.last) };
    else result.push(range);
  }
  return result;
}

function portSet(ranges: readonly RangeMatch[]): NftSet {
  const list = merged(ranges);
  const keys = list.map(({ protocol, first, last }) => joinKey(protocol.toLowerCase(), rangeText(first, last)));
  return {
    name: `ports-${hashOf(...keys)}`,
    title: portsText(list),
    type: ['inet_proto', 'inet_service'],
    verdicts: false,
    interval: list.some(({ first, last }) => first !== last),
    elements: new Map(keys.map((key) => [key, ''])),
  };
}

const portsText = (ranges: readonly RangeMatch[]): string =>
  ranges.map(({ protocol, first, last }) => `${protocol} ${rangeText(first, last)}`).join(', ');

/** The peer is the client of what comes in, and the server of what goes out. */
function peerMatch(list: RuleList, peer: PeerMatch, family: Family, groups: GroupLookup): Statement[] {
  if (peer.kind === 'anyone') return [];
  const group = groups(peer.of);
  const address = list.direction === 'ingress' ? x.client(family) : x.server(family);
  const name = groupSetName(group.kind, group.id, family);
  return [x.inSet(group.kind === 'blocks' ? x.concat(address, x.flowProtocol) : address, name)];
}

/** What one look-up can ask of a flow's ports. */
export interface PortForm {
  /** Equal for forms that ask the same. */
  readonly key: string;
  readonly text: string;
  /** Stands before everything that names a port. */
  readonly guard: readonly Statement[];
  match(family: Family): readonly Statement[];
}

function portForms(bundle: Bundle, ports: NftSet | undefined, groups: GroupLookup): PortForm[] {
  const forms: PortForm[] = [];
  if (ports !== undefined)
    forms.push({
      key: ports.name,
      text: ` to ${ports.title ?? ''}`,
      guard: [x.flowHasPorts],
      match: () => [x.inSet(x.concat(x.flowProtocol, x.flowPort('reply')), ports.name)],
    });
  for (const port of bundle.others) {
    if (port.kind === 'anyPort') forms.push({ key: 'any', text: '', guard: [], match: () => [] });
    else {
      const group = groups(port.of);
      forms.push({
        key: group.id,
        text: ` to ${group.title}`,
        guard: [x.flowHasPorts],
        match: (family) => [
          x.inSet(
            x.concat(x.server(family), x.flowProtocol, x.flowPort('reply')),
            groupSetName('listeners', group.id, family),
          ),
        ],
      });
    }
  }
  return forms;
}

const whereOf = (list: RuleList, rule: number): string => `${policyKey(list.policy)} ${list.direction}[${rule}]`;

/** What happens to a packet that a rule allows. */
const allowed = (list: RuleList, rule: number): Statement[] => [
  x.count(ruleCounter(list, rule)),
  x.goto(list.direction === 'ingress' ? 'admit' : 'ingress-judged'),
];

/** One rule a family; a rule that names neither peer nor listener needs no family. */
function rulesOf(list: RuleList, bundle: Bundle, forms: readonly PortForm[], groups: GroupLookup): Rule[] {
  const peerTitle = bundle.peer.kind === 'anyone' ? 'anyone' : titleOf(groups(bundle.peer.of));
  const preposition = list.direction === 'ingress' ? 'from' : 'to';
  const verdict = allowed(list, bundle.rule);
  const possible = families.filter(
    (family) => bundle.peer.kind === 'anyone' || hasFamily(groups(bundle.peer.of), family),
  );
  return forms.flatMap((form) => {
    const comment = commentOf(`${whereOf(list, bundle.rule)} ${preposition} ${peerTitle}${form.text}`);
    const everyFamily = bundle.peer.kind === 'anyone' && form.guard.length === 0;
    if (everyFamily) return [{ statements: verdict, comment }];
    return possible.map((family) => ({
      statements: [
        x.ofFamily(family),
        ...form.guard,
        ...peerMatch(list, bundle.peer, family, groups),
        ...form.match(family),
        ...verdict,
      ],
      comment,
    }));
  });
}

/** Named by where the rule stands in the YAML, so that its counts survive every regeneration. */
export const ruleCounter = (list: Pick<RuleList, 'policy' | 'direction'>, rule: number): string => {
  const { kind, namespace, name } = list.policy;
  const readable = `rule-${short(list.direction)}-${namespace}-${name}`;
  return nameWithHash(readable, `${rule}-${hashOf(kind, namespace, name, list.direction)}`);
};

/** The chain's name covers all of its content, so a chain in the kernel never changes. */
export function renderRuleList(list: RuleList, groups: GroupLookup): RenderedRuleList {
  const portSets: NftSet[] = [];
  const bundles = bundlesOf(list.rules).map((bundle) => {
    const ports = bundle.ranges.length === 0 ? undefined : portSet(bundle.ranges);
    if (ports !== undefined) portSets.push(ports);
    return { bundle, forms: portForms(bundle, ports, groups) };
  });
  const rules = bundles.flatMap(({ bundle, forms }) => rulesOf(list, bundle, forms, groups));
  const { kind, namespace, name } = list.policy;
  const hash = hashOf(kind, namespace, name, list.direction, JSON.stringify(rules));
  return {
    chain: { name: nameWithHash(`${short(list.direction)}-${namespace}-${name}`, hash), rules },
    portSets,
    counters: [...new Set(list.rules.map(({ origin }) => ruleCounter(list, origin.rule)))],
    hits: hitsOf(list, bundles, groups),
  };
}

function hitsOf(
  list: RuleList,
  bundles: readonly { readonly bundle: Bundle; readonly forms: readonly PortForm[] }[],
  groups: GroupLookup,
): readonly Hit[] | undefined {
  const hits: Hit[] = [];
  for (const { bundle, forms } of bundles) {
    const { peer, rule } = bundle;
    if (peer.kind === 'anyone' || groups(peer.of).kind !== 'pods') return undefined;
    // `hit-` and what the counter is called after `rule-`.
    const name = `hit-${ruleCounter(list, rule).slice('rule-'.length)}`;
    const chain: Chain = {
      name,
      rules: [{ statements: allowed(list, rule), comment: commentOf(whereOf(list, rule)) }],
    };
    for (const ports of forms) hits.push({ ports, peer: peer.of, chain });
  }
  return hits;
}
