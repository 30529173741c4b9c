/**
 * The part of the ruleset that is the same on every node, and why each rule stands where it does:
 *
 *   forward -> both-ways | cached | errors | headers -> egress -> ingress or ingress-judged -> open or admit
 *
 * "Allowed" in the egress stage is `goto ingress-judged`, in the ingress stage `goto admit`; only admit and open accept,
 * and not-remembered in the place of open:
 *
 *   egress  -> (a client that is open, in a dry run or recorded: reported)  -> ingress
 *   ingress -> (a server that is open, in a dry run or recorded: reported)  -> not-remembered
 *
 * Every packet is judged by its flow's own tuple, so replies and Services need no rules of their own.
 */
import { families, type Family } from '../../model/address.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Direction } from '../../model/policy.js';
import { deny, skeletonDenialChains, skeletonDrops, type SkeletonDenial } from './denial-chains.js';
import * as x from '../language/expressions.js';
import type { AuditRules } from './log-rules.js';
import { openRecordChains } from './report-chains.js';
import { setName } from './skeleton-sets.js';
import type { Chain, Rule, Statement } from '../language/types.js';

export const skeletonCounters: readonly string[] = ['judged', 'picked-up', ...skeletonDrops];

const rule = (...statements: readonly Statement[]): Rule => ({ statements });
const named = (comment: string, ...statements: readonly Statement[]): Rule => ({ statements, comment });

/** Conntrack takes whoever it sees first as the client, so the direction of such a stream is not known. */
const middleOfStream: readonly Statement[] = [
  x.flowState('new'),
  x.match({ '&': [x.headerField('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']] }, 'syn', '!='),
];

const isTcp = x.match(x.packetProtocol, 'tcp');
const isPicked = (family: Family): Statement => x.inSet(x.fullTuple(family), setName.picked(family));
const recordPicked = (family: Family): Statement => x.record('update', x.fullTuple(family), setName.picked(family));
const toItself = (family: Family): Rule =>
  named('pod to itself', x.inSet(x.concat(x.client(family), x.server(family)), setName.same(family)), x.accept);

export interface SkeletonOptions {
  /** `keep`: flows that conntrack knows go on, whatever policy says now. */
  readonly established: 'cut' | 'keep';
  /** Denials are logged; absent: only counted. */
  readonly audit?: AuditRules;
  /** `audit`: nothing is dropped, whatever the reason; `enforce` unless told. */
  readonly mode?: PolicyMode;
}

type Deny = (reason: SkeletonDenial) => Statement;

function forward(options: SkeletonOptions): Rule[] {
  const keep = named('established flows are kept', x.flowState('established'), x.accept);
  return [
    ...(options.established === 'keep' ? [keep] : []),
    // Before the cache: the reverse relation may rightly be remembered, and would carry the stream's other half.
    rule(...middleOfStream, x.goto('both-ways')),
    ...families.map((family) => rule(isTcp, isPicked(family), x.goto('both-ways'))),
    rule(x.jump('cached')),
    // Only on a bridge: a routed packet has at most 254 here. No MLD and no router messages.
    named(
      'neighbour discovery',
      x.match(x.headerField('ip6', 'hoplimit'), 255),
      x.anyOf(x.headerField('icmpv6', 'type'), ['nd-neighbor-solicit', 'nd-neighbor-advert']),
      x.accept,
    ),
    rule(x.flowState('related'), x.anyOf(x.packetProtocol, ['icmp', 'ipv6-icmp']), x.goto('errors')),
    // Without an entry no ct key loads and no rule below would match.
    rule(x.flowState('invalid', 'untracked'), x.goto('headers')),
    ...families.map(toItself),
    rule(x.goto('egress')),
  ];
}

/** An address inside the node's pod ranges that no known pod has, at either end of the flow. */
const unknownByFlow = (deny: Deny): Rule[] =>
  families.flatMap((family) =>
    [x.client(family), x.server(family)].map((address) =>
      rule(
        x.inSet(x.concat(address, x.flowProtocol), setName.unknownRanges(family)),
        x.notInSet(address, setName.knownPods(family)),
        deny('unknown-pod'),
      ),
    ),
  );

const unknownByHeader = (deny: Deny): Rule[] =>
  families.flatMap((family) =>
    (['saddr', 'daddr'] as const).map((field) =>
      rule(
        x.inSet(x.concat(x.packetAddress(family, field), x.packetProtocol), setName.unknownRanges(family)),
        x.notInSet(x.packetAddress(family, field), setName.knownPods(family)),
        deny('unknown-pod-packet'),
      ),
    ),
  );

const stage = (direction: Direction, next: string): Rule[] => [
  ...families.map((family) =>
    rule(x.dispatch(direction === 'egress' ? x.client(family) : x.server(family), setName.dispatch(direction, family))),
  ),
  rule(x.goto(next)),
];

/** Each packet of a picked-up stream keeps its record. */
const keepPicked: readonly Rule[] = families.map((family) =>
  rule(isTcp, isPicked(family), recordPicked(family), x.accept),
);

/** A picked-up stream is recorded in the rule that accepts it: when the set is full it is refused, never unrecorded. */
const admit = (deny: Deny): Rule[] => [
  ...families.map((family) => rule(...middleOfStream, recordPicked(family), x.count('picked-up'), x.accept)),
  ...keepPicked,
  rule(...middleOfStream, deny('picked-full')),
  // What is told of must meet the rules that tell it again: the cache would pass it by.
  ...families.flatMap((family) => [
    rule(x.inSet(x.client(family), setName.told('egress', family)), x.count('judged'), x.accept),
    rule(x.inSet(x.server(family), setName.told('ingress', family)), x.count('judged'), x.accept),
  ]),
  // A jump, not part of the rule that accepts: a full cache must not refuse.
  rule(x.jump('remember')),
  rule(x.count('judged'), x.accept),
];

/** No end is isolated: no relation to remember, but a picked-up stream is recorded, since a policy may come later. */
const open = (): Rule[] => [...families.map((family) => rule(...middleOfStream, recordPicked(family))), rule(x.accept)];

/**
 * Of a server that nothing isolates, in a dry run or recorded: as `open`, but for a client that is isolated, whose
 * picked-up stream must not go unrecorded.
 */
const notIsolatedServer = (deny: Deny): Rule[] => [
  ...families.map((family) => rule(...middleOfStream, recordPicked(family), x.accept)),
  ...keepPicked,
  ...families.map((family) =>
    rule(...middleOfStream, x.inSet(x.client(family), setName.isolated('egress', family)), deny('picked-full')),
  ),
  rule(x.accept),
];

/** Who is the client is not known: judged as it looks, and only where the swapped orientation meets no isolated end. */
const bothWays = (deny: Deny): Rule[] => [
  ...families.map(toItself),
  ...families.flatMap((family) => [
    rule(x.inSet(x.client(family), setName.isolated('ingress', family)), deny('mid-stream')),
    rule(x.inSet(x.server(family), setName.isolated('egress', family)), deny('mid-stream')),
  ]),
  rule(x.goto('egress')),
];

/** Redirects count as errors to conntrack, and an error's own entry is the quoted flow's. */
const errors = (deny: Deny): Rule[] => [
  ...unknownByHeader(deny),
  rule(
    x.anyOf(x.headerField('icmp', 'type'), ['destination-unreachable', 'time-exceeded', 'parameter-problem'], '!='),
    deny('error'),
  ),
  rule(
    x.anyOf(
      x.headerField('icmpv6', 'type'),
      ['destination-unreachable', 'packet-too-big', 'time-exceeded', 'parameter-problem'],
      '!=',
    ),
    deny('error'),
  ),
  // A pod here may send errors about its own flows only: quoting a flow of others would carry a payload past policy.
  ...families.map((family) => {
    const sender = x.packetAddress(family, 'saddr');
    return rule(
      x.inSet(sender, setName.pods(family)),
      x.notInSet(x.concat(sender, x.client(family)), setName.same(family)),
      x.notInSet(x.concat(sender, x.server(family)), setName.same(family)),
      deny('error'),
    );
  }),
  ...families.map((family) => rule(x.ofFamily(family), x.flowHasPorts, isPicked(family), x.goto('both-ways'))),
  rule(x.jump('error-cached')),
  rule(x.goto('egress')),
];

const headers = (deny: Deny): Rule[] => [
  ...unknownByHeader(deny),
  ...families.flatMap((family) =>
    (['saddr', 'daddr'] as const).flatMap((field) =>
      (['ingress', 'egress'] as const).map((direction) =>
        rule(x.inSet(x.packetAddress(family, field), setName.isolated(direction, family)), deny('no-entry')),
      ),
    ),
  ),
  rule(x.accept),
];

/** The chains that never change, without those that name the cache. */
export function skeletonChains(options: SkeletonOptions): Chain[] {
  const { audit, mode = 'enforce' } = options;
  const denyIn: Deny = (reason) => deny(reason, mode);
  return [
    {
      name: 'forward',
      // After kube-proxy's DNAT, before its SNAT, and just before other filters.
      hook: { type: 'filter', hook: 'forward', priority: -5, policy: mode === 'audit' ? 'accept' : 'drop' },
      rules: forward(options),
    },
    { name: 'egress', rules: [...unknownByFlow(denyIn), ...stage('egress', 'ingress')] },
    { name: 'ingress', rules: stage('ingress', 'open') },
    { name: 'ingress-judged', rules: stage('ingress', 'admit') },
    { name: 'both-ways', rules: bothWays(denyIn) },
    { name: 'errors', rules: errors(denyIn) },
    { name: 'headers', rules: headers(denyIn) },
    { name: 'admit', rules: admit(denyIn) },
    { name: 'open', rules: open() },
    { name: 'not-remembered', rules: notIsolatedServer(denyIn) },
    ...openRecordChains(audit),
    ...skeletonDenialChains(audit, mode),
  ];
}
