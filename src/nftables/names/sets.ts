/** Names of sets and maps. */
import type { Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import { headerReadings, type HeaderReading } from '../language/expressions.js';
import { count, direction, family, hash, oneOf } from './fields.js';
import { grammarOf, type MeaningIn } from './grammar.js';

/** Whose share of a set that packets fill an element counts towards: a pod of this node that is the client of a flow, a client elsewhere, a server. */
export const shareHolders = ['pods', 'clients', 'servers'] as const;
export type ShareHolder = (typeof shareHolders)[number];

const forms = {
  /** Pods of this node; pairs of a pod's own addresses. */
  pods: ['pods', family],
  self: ['self', family],
  /** Streams that were met in their middle and allowed; limits by whose share they count towards. */
  midstream: ['mid-streams', family],
  'midstream-share': ['mid-stream-', oneOf('of', shareHolders), family],
  isolated: ['isolated-', direction, family],
  /** Pods that are in a dry run of this direction, or whose allowed flows are recorded: the cache would hide them. */
  uncached: ['uncached-', direction, family],
  /** Relations that a dry run of this direction has reported lately. */
  'dry-run-reported': ['dry-run-reported-', direction, family],
  /** UDP flows whose first packet was recorded, and that have seen no answer: to conntrack each of their packets is a first one. */
  'allow-recorded': ['allow-recorded-', direction, family],
  /** The verdict map from a pod's address to its isolation chain. */
  dispatch: [oneOf('direction', ['ingress', 'egress']), family],
  /** The same for packets that nobody tracks, by their header. */
  'untracked-dispatch': [
    'untracked-',
    oneOf('as', headerReadings),
    '-',
    oneOf('direction', ['ingress', 'egress']),
    family,
  ],
  'unknown-ranges': ['unknown-ranges', family],
  'known-pods': ['known-pods', family],
  cache: ['cache', family, '-', count('generation')],
  /** Addresses whose relations this generation may still hold although a change has narrowed them. */
  'cache-except': ['cache-except', family, '-', count('generation')],
  /** Limits of it, by whose share its relations count towards. */
  'cache-share': ['cache-', oneOf('of', shareHolders), family, '-', count('generation')],
  group: [oneOf('of', ['pods', 'blocks', 'listeners']), family, '-', hash('group')],
  ports: ['ports-', hash('ports')],
  /** What some groups of pods hold together. */
  peers: ['peers', family, '-', count('bucket')],
  /** Of tunnels that this node ends; addresses of all nodes; pods of a bridge that may send to groups on it. */
  'tunnel-ports': ['tunnel-ports'],
  'node-addresses': ['node-addresses', family],
  'multicast-senders': ['multicast-senders', family],
  /** Link-local addresses that the pod behind a link has announced, and those that any pod has. */
  'link-local': ['link-local-', count('ifindex')],
  'link-local-claims': ['link-local-claims'],
  /** Limits of the log, by pair of addresses: an element keeps the limit that it was made with. */
  'log-pairs': ['log-pairs', family, '-', count('rate'), '-', count('burst')],
  /** The same by sender, and by device. */
  'log-senders': ['log-senders', family, '-', count('rate')],
  'log-devices': ['log-devices-', count('rate')],
} as const;

export type SetMeaning = MeaningIn<typeof forms>;
export const sets = grammarOf(forms);

const ofFamily = (
  kind: 'pods' | 'self' | 'midstream' | 'unknown-ranges' | 'known-pods',
): ((family: Family) => string) => {
  const names = { IPv4: sets.nameOf({ kind, family: 'IPv4' }), IPv6: sets.nameOf({ kind, family: 'IPv6' }) };
  return (family) => names[family];
};

type Directed = 'isolated' | 'uncached' | 'dry-run-reported' | 'allow-recorded' | 'dispatch';
const ofDirection = (kind: Directed): ((direction: Direction, family: Family) => string) => {
  const of = (direction: Direction): Readonly<Record<Family, string>> => ({
    IPv4: sets.nameOf({ kind, direction, family: 'IPv4' }),
    IPv6: sets.nameOf({ kind, direction, family: 'IPv6' }),
  });
  const names = { ingress: of('ingress'), egress: of('egress') };
  return (direction, family) => names[direction][family];
};

const untrackedDispatch = (as: HeaderReading): ((direction: Direction, family: Family) => string) => {
  const of = (direction: Direction): Readonly<Record<Family, string>> => ({
    IPv4: sets.nameOf({ kind: 'untracked-dispatch', as, direction, family: 'IPv4' }),
    IPv6: sets.nameOf({ kind: 'untracked-dispatch', as, direction, family: 'IPv6' }),
  });
  const names = { ingress: of('ingress'), egress: of('egress') };
  return (direction, family) => names[direction][family];
};

/** Names of the sets that every node has: asked for at every address, so made once. */
export const setName = {
  pods: ofFamily('pods'),
  self: ofFamily('self'),
  midstream: ofFamily('midstream'),
  midstreamShare: (of: ShareHolder, family: Family) => sets.nameOf({ kind: 'midstream-share', of, family }),
  unknownRanges: ofFamily('unknown-ranges'),
  knownPods: ofFamily('known-pods'),
  isolated: ofDirection('isolated'),
  uncached: ofDirection('uncached'),
  dryRunReported: ofDirection('dry-run-reported'),
  allowRecorded: ofDirection('allow-recorded'),
  dispatch: ofDirection('dispatch'),
  untrackedDispatch: { flow: untrackedDispatch('flow'), answer: untrackedDispatch('answer') },
};
