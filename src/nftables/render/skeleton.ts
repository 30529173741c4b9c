/**
 * The part of the ruleset that is the same on every node, and why each rule stands where it does:
 *
 *   forward -> mid-stream | cache-lookup | icmp-errors | untracked
 *           -> egress -> ingress or ingress-after-egress -> not-isolated or allow
 *
 * "Allowed" in the egress stage is `goto ingress-after-egress`, in the ingress stage `goto allow`; only allow and
 * not-isolated accept, and allow-uncached in the place of not-isolated:
 *
 *   egress  -> (a client that nothing isolates, in a dry run or recorded: reported)  -> ingress
 *   ingress -> (a server that nothing isolates, in a dry run or recorded: reported)  -> allow-uncached
 *
 * Every packet is evaluated by its flow's own tuple, so replies and Services need no rules of their own.
 */
import { families, type Family } from '../../model/address.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Direction } from '../../model/policy.js';
import type { SkeletonDrop } from '../../program/drop-reasons.js';
import * as x from '../language/expressions.js';
import type { Chain, Rule, Statement } from '../language/types.js';
import { chains, skeletonChainNames, type CacheUse, type SkeletonChain } from '../names/chains.js';
import { counters } from '../names/counters.js';
import { setName } from '../names/sets.js';
import { denyName, skeletonDenialChains, skeletonDropCounters } from './denial-chains.js';
import type { AuditRules } from './log-rules.js';
import {
  isMidstream,
  keepRecorded,
  midstreamAccepted,
  newFromTheMiddle,
  quotesMidstream,
  recordAndAccept,
} from './mid-streams.js';
import { notIsolatedRecordChains } from './report-chains.js';
import { skeletonTitles } from './skeleton-titles.js';
import { isUntrackedChain, readByHeader, untrackedChains } from './untracked-stages.js';

const policyAccepted = counters.nameOf({ kind: 'accepted', what: 'policy' });

export const skeletonCounters: readonly string[] = [policyAccepted, midstreamAccepted, ...skeletonDropCounters];

const goto = (chain: SkeletonChain): Statement => x.goto(chain);
const throughCache = (use: CacheUse): Statement => x.jump(chains.nameOf({ kind: 'cache', use }));

const rule = (...statements: readonly Statement[]): Rule => ({ statements });
const named = (comment: string, ...statements: readonly Statement[]): Rule => ({ statements, comment });

const toItself = (family: Family): Rule =>
  named('pod to itself', x.inSet(x.concat(x.client(family), x.server(family)), setName.self(family)), x.accept);

export interface SkeletonOptions {
  /** `keep`: flows that conntrack knows go on, whatever policy says now. */
  readonly established: 'reevaluate' | 'keep';
  /** Denials are logged; absent: only counted. */
  readonly audit?: AuditRules;
  /** `dry-run`: nothing is dropped, whatever the reason; `enforce` by default. */
  readonly mode?: PolicyMode;
  /** `stateless`: packets that nobody tracks are evaluated by their header; `drop` by default, where a pod is isolated. */
  readonly untracked?: 'drop' | 'stateless';
}

type Deny = (reason: SkeletonDrop | 'by-ct-state') => Statement;

function forward(options: SkeletonOptions): Rule[] {
  const keep = named('established flows are kept', x.flowState('established'), x.accept);
  return [
    ...(options.established === 'keep' ? [keep] : []),
    // Before the cache: the reverse relation may rightly be in it, and would carry the stream's other half.
    ...newFromTheMiddle(goto('mid-stream')),
    ...families.map((family) => rule(...isMidstream(family), goto('mid-stream'))),
    rule(throughCache('cache-lookup')),
    // Only on a bridge: a routed packet has at most 254 here. No MLD and no router messages.
    named(
      'neighbour discovery',
      x.match(x.headerField('ip6', 'hoplimit'), 255),
      x.anyOf(x.headerField('icmpv6', 'type'), ['nd-neighbor-solicit', 'nd-neighbor-advert']),
      x.accept,
    ),
    rule(x.flowState('related'), x.anyOf(x.packetProtocol, ['icmp', 'ipv6-icmp']), goto('icmp-errors')),
    // Without an entry no ct key loads and no rule below would match.
    rule(x.flowState('invalid', 'untracked'), goto('untracked')),
    ...families.map(toItself),
    rule(goto('egress')),
  ];
}

/** An address inside the node's pod ranges that no known pod has, as the flow's client or server. */
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

const stage = (direction: Direction, next: SkeletonChain): Rule[] => [
  ...families.map((family) =>
    rule(x.dispatch(direction === 'egress' ? x.client(family) : x.server(family), setName.dispatch(direction, family))),
  ),
  rule(goto(next)),
];

/** A stream that was met in its middle is not cached: it is evaluated both ways. */
const allow = (): Rule[] => [
  ...newFromTheMiddle(goto('mid-stream-allowed')),
  ...families.map((family) => rule(...isMidstream(family), x.accept)),
  // What is reported must meet the rules that report it again: the cache would hide it.
  ...families.flatMap((family) => [
    rule(x.inSet(x.client(family), setName.uncached('egress', family)), x.count(policyAccepted), x.accept),
    rule(x.inSet(x.server(family), setName.uncached('ingress', family)), x.count(policyAccepted), x.accept),
  ]),
  // A jump, not part of the rule that accepts: a full cache must not refuse.
  rule(throughCache('cache-add')),
  rule(x.count(policyAccepted), x.accept),
];

/**
 * Nothing isolates the server, and the client not either or it is allowed, in a dry run or recorded: no relation to cache,
 * but a stream met in its middle is recorded, since a policy may come later.
 */
const uncached: readonly Rule[] = [...newFromTheMiddle(goto('mid-stream-allowed')), rule(x.accept)];

/**
 * The client is not known. The packet is evaluated as it looks; it is dropped where an isolated pod would be met if client and
 * server were the other way round.
 */
const midStream = (deny: Deny): Rule[] => [
  ...keepRecorded,
  ...families.map(toItself),
  ...families.flatMap((family) => [
    rule(x.inSet(x.client(family), setName.isolated('ingress', family)), deny('mid-stream')),
    rule(x.inSet(x.server(family), setName.isolated('egress', family)), deny('mid-stream')),
  ]),
  rule(goto('egress')),
];

/** Redirects count as errors to conntrack, and an error's own entry is the quoted flow's. */
const icmpErrors = (deny: Deny): Rule[] => [
  ...unknownByHeader(deny),
  rule(
    x.anyOf(x.headerField('icmp', 'type'), ['destination-unreachable', 'time-exceeded', 'parameter-problem'], '!='),
    deny('icmp-error'),
  ),
  rule(
    x.anyOf(
      x.headerField('icmpv6', 'type'),
      ['destination-unreachable', 'packet-too-big', 'time-exceeded', 'parameter-problem'],
      '!=',
    ),
    deny('icmp-error'),
  ),
  // A pod here may send errors about its own flows only: quoting a flow of others would carry a payload past policy.
  ...families.map((family) => {
    const sender = x.packetAddress(family, 'saddr');
    return rule(
      x.inSet(sender, setName.pods(family)),
      x.notInSet(x.concat(sender, x.client(family)), setName.self(family)),
      x.notInSet(x.concat(sender, x.server(family)), setName.self(family)),
      deny('icmp-error'),
    );
  }),
  ...families.map((family) => rule(...quotesMidstream(family), goto('mid-stream'))),
  rule(throughCache('icmp-error-cache-lookup')),
  rule(goto('egress')),
];

/** No conntrack entry that says whose flow it is. */
const untracked = (deny: Deny, isStateless: boolean): Rule[] => [
  ...unknownByHeader(deny),
  ...(isStateless ? readByHeader : []),
  ...families.flatMap((family) =>
    (['saddr', 'daddr'] as const).flatMap((field) =>
      (['ingress', 'egress'] as const).map((direction) =>
        rule(x.inSet(x.packetAddress(family, field), setName.isolated(direction, family)), deny('by-ct-state')),
      ),
    ),
  ),
  rule(x.accept),
];

/** Always goto: in a dry run the packet goes on from where it was sent here. */
const denyByCtState: readonly Rule[] = [
  rule(x.flowState('untracked'), x.goto(denyName('untracked'))),
  rule(x.goto(denyName('invalid'))),
];

/** The chains that never change, without those that name the cache. */
export function skeletonChains(options: SkeletonOptions): Chain[] {
  const { audit, mode = 'enforce', untracked: ofUntracked = 'drop' } = options;
  const isStateless = ofUntracked === 'stateless';
  const deny: Deny = (reason) => {
    const chain = reason === 'by-ct-state' ? ('deny-by-ct-state' satisfies SkeletonChain) : denyName(reason);
    return mode === 'dry-run' ? x.jump(chain) : x.goto(chain);
  };
  const rules: Readonly<Record<SkeletonChain, readonly Rule[]>> = {
    forward: forward(options),
    egress: [...unknownByFlow(deny), ...stage('egress', 'ingress')],
    ingress: stage('ingress', 'not-isolated'),
    'ingress-after-egress': stage('ingress', 'allow'),
    'mid-stream': midStream(deny),
    'mid-stream-allowed': recordAndAccept(deny('midstream-full')),
    'icmp-errors': icmpErrors(deny),
    untracked: untracked(deny, isStateless),
    ...untrackedChains(policyAccepted),
    'deny-by-ct-state': denyByCtState,
    allow: allow(),
    'not-isolated': uncached,
    'allow-uncached': uncached,
  };
  return [
    ...skeletonChainNames
      .filter((name) => isStateless || !isUntrackedChain(name))
      .map((name) => ({
        name,
        title: skeletonTitles[name],
        ...hooked(name, mode),
        rules: rules[name],
      })),
    ...notIsolatedRecordChains(audit),
    ...skeletonDenialChains(audit, mode),
  ];
}

/** After kube-proxy's DNAT, before its SNAT, and just before other filters. */
const hooked = (name: SkeletonChain, mode: PolicyMode): Pick<Chain, 'hook'> =>
  name === 'forward'
    ? { hook: { type: 'filter', hook: 'forward', priority: -5, policy: mode === 'dry-run' ? 'accept' : 'drop' } }
    : {};
