/** Names of chains, of both tables. */
import { skeletonDrops } from '../../program/drop-reasons.js';
import { headerReadings } from '../language/expressions.js';
import { count, device, direction, family, flag, hash, ofRule, oneOf, readable, words } from './fields.js';
import { grammarOf, type MeaningIn } from './grammar.js';

/** For packets that nobody tracks, where those are evaluated by their header. */
export const untrackedChainNames = [
  'untracked-flow',
  'untracked-flow-ingress',
  'untracked-answer',
  'untracked-answer-ingress',
  'untracked-allow',
] as const;
export type UntrackedChain = (typeof untrackedChainNames)[number];

/** Chains that every node has, but for those that deny, those that name the verdict cache, and some only on request. */
export const skeletonChainNames = [
  'forward',
  'egress',
  'ingress',
  'ingress-after-egress',
  'mid-stream',
  'mid-stream-allowed',
  'icmp-errors',
  'untracked',
  ...untrackedChainNames,
  'deny-by-ct-state',
  'allow',
  'not-isolated',
  'allow-uncached',
] as const;
export type SkeletonChain = (typeof skeletonChainNames)[number];

/** Each is a chain that jumps to the one of the generation in use. */
export const cacheUses = ['cache-lookup', 'cache-add', 'icmp-error-cache-lookup'] as const;
export type CacheUse = (typeof cacheUses)[number];

/** What the guards of all devices share. `-tunnels`: of pods that may tunnel to nodes. */
export const guardChainNames = [
  'own-ipv4',
  'own-ipv6',
  'own-ipv4-tunnels',
  'own-ipv6-tunnels',
  'neighbour-messages',
  'listener-reports',
  'multicast',
] as const;

const dryRun = flag('dryRun', 'dry-run-');
/** For pods whose allowed flows are recorded. */
const recorded = flag('recorded', '-recorded');

const forms = {
  skeleton: [oneOf('chain', skeletonChainNames)],
  cache: [oneOf('use', cacheUses)],
  /** `excepting`: as if it held no relation of the addresses in the generation's `cache-except` sets. */
  'cache-generation': [oneOf('use', cacheUses), flag('excepting', '-excepting'), '-', count('generation')],
  /** Where packets end that every node drops. */
  'skeleton-deny': ['deny-', oneOf('reason', skeletonDrops)],
  /** Records the first packets of flows of pods that nothing isolates. */
  'allow-not-isolated': ['allow-', direction, '-not-isolated'],
  /** The rule lists of the policies that isolate a pod, one after the other; in a dry run, of those that would. */
  isolation: [dryRun, 'iso-', direction, '-', hash('content')],
  /** The rules of the policies that isolate a pod, by a header: its sender asks, or it answers. */
  'untracked-isolation': ['untracked-', oneOf('as', headerReadings), '-', direction, '-', hash('content')],
  /** A policy's rule list. `dry-run-only`: those rules that an enforced isolation does not have. */
  rules: [
    words('use', { enforced: '', 'dry-run': 'dry-run-', 'dry-run-only': 'dry-run-only-' }),
    direction,
    '-',
    readable,
    '-',
    hash('content'),
  ],
  /** Rules of many policies: those on the same ports for peers of one family, for some or the same of them; on some ports. */
  'rules-for-peers': ['peers-', direction, family, '-', hash('content')],
  'rules-for-one-peer': ['one-peer-', direction, '-', hash('content')],
  'rules-for-some-peers': ['some-peers-', direction, family, '-', hash('content')],
  'rules-on-some-ports': ['some-ports-', direction, '-', hash('content')],
  /** Where packets end that these policies deny, or would. */
  deny: ['deny-', direction, '-', hash('policies')],
  'dry-run-deny': ['dry-run-deny-', direction, '-', hash('policies'), recorded],
  /** Records the first packets of flows that a rule allows, or what it would allow. */
  allow: ['allow-', ...ofRule],
  'dry-run-allow': ['dry-run-allow-', ...ofRule],
  /** What a pod may send from its device, and what may reach it there. */
  guard: ['guard-', device],
  'egress-guard': ['to-', device],
  /** What a device's pod may claim in neighbour discovery. */
  'neighbour-claims': ['claims-', device],
  'guard-shared': [oneOf('chain', guardChainNames)],
} as const;

export type ChainMeaning = MeaningIn<typeof forms>;
export const chains = grammarOf(forms);
