import { parseAddress, parseCidr, type Address, type Cidr } from '../../src/model/address.js';
import type { Direction, PolicyRef, Protocol } from '../../src/model/policy.js';
import {
  listener,
  ruleListId,
  type Block,
  type Endpoint,
  type Group,
  type GroupId,
  type Isolation,
  type PolicyProgram,
  type PortMatch,
  type RuleList,
  type RulePeer,
} from '../../src/program/types.js';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
}

export const policy = (name: string, namespace = 'lab'): PolicyRef => ({ kind: 'NetworkPolicy', namespace, name });

export const pods = (id: string, ...members: string[]): Group => ({
  kind: 'pods',
  id: `pods ${id}` as GroupId,
  title: `pods ${id} in lab`,
  members: new Set(members.map(address)),
});

export const block = (text: string, ...except: string[]): Block => ({ cidr: cidr(text), except: except.map(cidr) });
export const blocks = (...cidrs: string[]): readonly Block[] => cidrs.map((text) => block(text));

export const listeners = (name: string, ...members: (readonly [string, number])[]): Group => ({
  kind: 'listeners',
  id: `listeners TCP ${name}` as GroupId,
  title: `named port ${name}`,
  protocol: 'TCP',
  members: new Set(members.map(([host, port]) => listener(address(host), port))),
});

export const isolatedBy = (direction: Direction, ...names: string[]): Isolation => ({
  kind: 'isolated',
  by: names.map((name) => policy(name)),
  allowedBy: names.map((name) => ruleListId(policy(name), direction)).sort(),
});

export const endpoint = (
  name: string,
  addresses: readonly string[],
  isolation: { ingress?: Isolation; egress?: Isolation } = {},
): Endpoint => ({
  pod: { namespace: 'lab', name },
  podUid: `uid-${name}`,
  node: 'n1',
  addresses: addresses.map(address),
  ingress: isolation.ingress ?? { kind: 'open' },
  egress: isolation.egress ?? { kind: 'open' },
});

interface RuleInput {
  readonly rule?: number;
  readonly from?: Group | readonly Group[] | readonly Block[];
  readonly port: PortMatch;
}

export const ruleList = (name: string, direction: Direction, ...rules: RuleInput[]): RuleList => ({
  id: ruleListId(policy(name), direction),
  policy: policy(name),
  direction,
  rules: rules.map(({ rule = 0, from, port }) => ({
    peers: from === undefined ? { kind: 'anyone' } : { kind: 'union', of: peersFrom(from) },
    ports: port,
    origin: { policy: policy(name), direction, rule },
  })),
});

const peersFrom = (from: Group | readonly (Group | Block)[]): readonly RulePeer[] =>
  ('id' in from ? [from] : from).map((one, index) =>
    'id' in one ? { kind: 'pods', index, of: one.id } : { kind: 'addressBlock', index, ...one },
  );

type RangeText = readonly [protocol: Protocol, first: number, last?: number];

export const ranges = (...list: readonly RangeText[]): PortMatch => ({
  kind: 'union',
  of: list.map(([protocol, first, last = first], index) => ({ kind: 'range', index, protocol, first, last })),
});

export const range = (...one: RangeText): PortMatch => ranges(one);

export const anyPort: PortMatch = { kind: 'anyPort' };

export const named = (...groups: readonly Group[]): PortMatch => ({
  kind: 'union',
  of: groups.map(({ id }, index) => ({ kind: 'listeners', index, protocol: 'TCP', of: id })),
});

/** All of these ports. */
const union = (...all: readonly PortMatch[]): PortMatch => ({
  kind: 'union',
  of: all.flatMap((match) => (match.kind === 'union' ? match.of : [])).map((port, index) => ({ ...port, index })),
});

export interface ProgramInput {
  readonly endpoints?: readonly Endpoint[];
  readonly ruleLists?: readonly RuleList[];
  readonly groups?: readonly Group[];
  readonly unknown?: PolicyProgram['unknown'];
}

export const program = (input: ProgramInput): PolicyProgram => ({
  revision: 1,
  endpoints: new Map((input.endpoints ?? []).map((one) => [`lab/${one.pod.name}`, one])),
  ruleLists: new Map((input.ruleLists ?? []).map((list) => [list.id, list])),
  groups: new Map((input.groups ?? []).map((group) => [group.id, group])),
  nodes: new Map(),
  ...(input.unknown === undefined ? {} : { unknown: input.unknown }),
});

const web = pods('app=web', '10.244.1.11', 'fd00:10:244:1::b', '10.244.2.7');
const db = pods('app=db', '10.244.1.11', '10.244.2.9', 'fd00:10:244:2::9');
const outside = blocks('10.99.0.0/16', '192.0.2.1/32', '32.0.0.0/3', '64:ff9b::/96', '2001:db8::1/128');
const only6 = blocks('2001:db8:1::/48', '::1.2.3.4/128', '100::/64');
const holed = [block('0.0.0.0/0', '10.244.0.0/16', '192.0.2.0/24'), block('10.244.1.12/32'), block('::/0', 'fd00::/8')];
const metrics = listeners('metrics', ['10.244.1.12', 9090], ['10.244.1.13', 80]);
const http = listeners('http', ['10.244.1.12', 8080], ['fd00:10:244:1::c', 8080], ['10.244.1.13', 80]);

/** A program with every kind of peer, port and isolation that there is. */
export const everyFeature: PolicyProgram = program({
  endpoints: [
    endpoint('a', ['10.244.1.11', 'fd00:10:244:1::b'], { ingress: isolatedBy('ingress', 'deny') }),
    endpoint('b', ['10.244.1.12', 'fd00:10:244:1::c'], {
      ingress: isolatedBy('ingress', 'deny', 'peers', 'web'),
      egress: isolatedBy('egress', 'out'),
    }),
    endpoint('c', ['10.244.1.13', '10.244.1.14'], { egress: isolatedBy('egress', 'out') }),
    endpoint('d', ['10.244.1.15']),
  ],
  ruleLists: [
    ruleList('deny', 'ingress'),
    ruleList(
      'web',
      'ingress',
      { from: web, port: ranges(['TCP', 80], ['TCP', 90, 99], ['TCP', 95, 120], ['UDP', 0, 65_535]) },
      { from: outside, port: range('SCTP', 5000) },
      { rule: 1, from: outside, port: anyPort },
      { rule: 2, from: only6, port: anyPort },
      { rule: 3, from: holed, port: range('TCP', 8443) },
      { rule: 4, from: web, port: union(named(http, metrics), range('TCP', 443)) },
      { rule: 5, port: range('TCP', 22) },
      { rule: 6, port: named(http) },
    ),
    // Pods alone: what peer maps are for.
    ruleList(
      'peers',
      'ingress',
      { from: web, port: range('TCP', 80) },
      { from: db, port: range('TCP', 80) },
      { rule: 1, from: db, port: named(http) },
      { rule: 2, from: db, port: anyPort },
    ),
    ruleList('out', 'egress', { from: web, port: anyPort }, { rule: 1, port: anyPort }),
  ],
  groups: [web, db, http, metrics],
  unknown: {
    ranges: [cidr('10.244.1.0/24'), cidr('10.244.1.0/25'), cidr('fd00:10:244:1::/64')],
    known: new Set(['10.244.1.11', '10.244.1.12', 'fd00:10:244:1::b'].map(address)),
  },
});
