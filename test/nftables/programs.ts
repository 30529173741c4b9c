import { parseAddress, parseCidr, type Address, type Cidr } from '../../src/model/address.js';
import type { Direction, PolicyRef } from '../../src/model/policy.js';
import {
  listener,
  ruleListId,
  type AllowRule,
  type Endpoint,
  type Group,
  type GroupId,
  type Isolation,
  type PolicyProgram,
  type RuleList,
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

export const blocks = (...cidrs: string[]): Group => ({
  kind: 'blocks',
  id: `blocks ${cidrs.join()}` as GroupId,
  title: cidrs.join(', '),
  cidrs: cidrs.map(cidr),
});

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

type RuleInput = Pick<AllowRule, 'port'> & { readonly rule?: number; readonly from?: Group };

export const ruleList = (name: string, direction: Direction, ...rules: RuleInput[]): RuleList => ({
  id: ruleListId(policy(name), direction),
  policy: policy(name),
  direction,
  rules: rules.map(({ rule = 0, from, port }) => ({
    peer: from === undefined ? { kind: 'anyone' } : { kind: 'members', of: from.id },
    port,
    origin: { policy: policy(name), direction, rule },
  })),
});

export const range = (protocol: 'TCP' | 'UDP' | 'SCTP', first: number, last = first): AllowRule['port'] => ({
  kind: 'range',
  protocol,
  first,
  last,
});

export const anyPort: AllowRule['port'] = { kind: 'anyPort' };

export const named = (group: Group): AllowRule['port'] => ({ kind: 'listeners', protocol: 'TCP', of: group.id });

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
const nothing: Group = { kind: 'blocks', id: 'blocks none' as GroupId, title: 'nothing', cidrs: [] };
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
      { from: web, port: range('TCP', 80) },
      { from: web, port: range('TCP', 90, 99) },
      { from: web, port: range('TCP', 95, 120) },
      { from: web, port: range('UDP', 0, 65_535) },
      { from: outside, port: range('SCTP', 5000) },
      { rule: 1, from: outside, port: anyPort },
      { rule: 2, from: only6, port: anyPort },
      { rule: 3, from: nothing, port: anyPort },
      { rule: 4, from: web, port: named(http) },
      { rule: 4, from: web, port: range('TCP', 443) },
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
  groups: [web, db, outside, only6, nothing, http],
  unknown: {
    ranges: [cidr('10.244.1.0/24'), cidr('10.244.1.0/25'), cidr('fd00:10:244:1::/64')],
    known: new Set(['10.244.1.11', '10.244.1.12', 'fd00:10:244:1::b'].map(address)),
  },
});
