/** What a policy's rules match: peers, ports and families as nft expressions. */
import { families, type Family } from '../../model/address.js';
import type { AllowRule, Group, GroupId, PeerMatch, PortMatch, RuleList } from '../../program/types.js';
import { joinKey, rangeText } from '../language/elements.js';
import * as x from '../language/expressions.js';
import { groupSetNames, hasFamily, titleOf } from './group-sets.js';
import { commentOf } from '../language/comment-text.js';
import { ruleTitle } from '../names/comments.js';
import { hashOf } from '../names/hash.js';
import { sets } from '../names/sets.js';
import type { NftSet, Rule, Statement } from '../language/types.js';

export type GroupLookup = (id: GroupId) => Group;
type RangeMatch = Extract<PortMatch, { kind: 'range' }>;

/** Rules of one YAML rule with the same peer; their numeric ports need one look-up. */
interface Bundle {
  readonly rule: number;
  readonly peer: PeerMatch;
  readonly ranges: RangeMatch[];
  readonly others: Exclude<PortMatch, RangeMatch>[];
}

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
    name: sets.nameOf({ kind: 'ports', ports: hashOf(...keys) }),
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
  const key = group.kind === 'blocks' ? x.concat(address, x.flowProtocol) : address;
  return [x.inSet(key, groupSetNames(group)[family])];
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
      const names = groupSetNames(group);
      forms.push({
        key: group.id,
        text: ` to ${group.title}`,
        guard: [x.flowHasPorts],
        match: (family) => [x.inSet(x.concat(x.server(family), x.flowProtocol, x.flowPort('reply')), names[family])],
      });
    }
  }
  return forms;
}

/** A bundle, and what its ports are looked up with. */
export interface BundleMatch extends Bundle {
  readonly forms: readonly PortForm[];
}

/** In the order of the YAML, and the sets of ports that they need. */
export function matchesOf(
  rules: readonly AllowRule[],
  groups: GroupLookup,
): { readonly matches: readonly BundleMatch[]; readonly portSets: readonly NftSet[] } {
  const portSets: NftSet[] = [];
  const matches = bundlesOf(rules).map((bundle): BundleMatch => {
    const ports = bundle.ranges.length === 0 ? undefined : portSet(bundle.ranges);
    if (ports !== undefined) portSets.push(ports);
    return { ...bundle, forms: portForms(bundle, ports, groups) };
  });
  return { matches, portSets };
}

/** One rule a family; a rule that names neither peer nor listener needs no family. */
export function rulesOf(
  list: RuleList,
  { rule, peer, forms }: BundleMatch,
  { verdict, groups }: { readonly verdict: readonly Statement[]; readonly groups: GroupLookup },
): Rule[] {
  const peerTitle = peer.kind === 'anyone' ? 'anyone' : titleOf(groups(peer.of));
  const preposition = list.direction === 'ingress' ? 'from' : 'to';
  const possible = families.filter((family) => peer.kind === 'anyone' || hasFamily(groups(peer.of), family));
  return forms.flatMap((form) => {
    const comment = commentOf(`${ruleTitle(list, rule)} ${preposition} ${peerTitle}${form.text}`);
    const everyFamily = peer.kind === 'anyone' && form.guard.length === 0;
    if (everyFamily) return [{ statements: verdict, comment }];
    return possible.map((family) => ({
      statements: [
        x.ofFamily(family),
        ...form.guard,
        ...peerMatch(list, peer, family, groups),
        ...form.match(family),
        ...verdict,
      ],
      comment,
    }));
  });
}
