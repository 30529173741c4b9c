/** What the chains that every node has are for. */
import type { CacheUse, SkeletonChain } from '../names/chains.js';

export const skeletonTitles: Readonly<Record<SkeletonChain, string>> = {
  forward: 'every forwarded packet starts here; what no chain accepts is dropped',
  egress: 'by client: an isolated one may only do what its policies allow, then the server has its say',
  ingress: 'by server; where nothing isolates either, to not-isolated',
  'ingress-after-egress': 'the egress stage allowed it, so a server that is not isolated makes it allowed',
  'mid-stream': 'who is the client is not known: only where neither orientation meets an isolated pod',
  'mid-stream-allowed': 'recorded, within what one pod may have of it; without room it is dropped',
  'icmp-errors': 'ICMP errors are evaluated by the flow that they quote; only its client and server may send them',
  untracked: 'no conntrack entry: nothing to or from an isolated pod',
  'untracked-flow': 'read as if its sender asked: goes back where policies do not allow that',
  'untracked-flow-ingress': 'the same, by who is asked',
  'untracked-answer': 'read as if its sender answered: goes back where policies do not allow what would be answered',
  'untracked-answer-ingress': 'the same, by who answers',
  'untracked-allow': 'policies allow what the header says; nothing is cached, since no flow is known',
  'deny-by-ct-state': 'without an entry, or with one that conntrack calls invalid',
  allow: 'allowed by a policy: cached, and accepted',
  'not-isolated': 'no policy isolates client or server',
  'allow-uncached': 'no policy isolates the server, and a dry run or the audit log must see every packet',
};

export const cacheTitles: Readonly<Record<CacheUse, string>> = {
  'cache-lookup': 'relations that were allowed before; a change that may narrow moves on to another, empty generation',
  'cache-add': 'what was allowed now, for the packets that follow',
  'icmp-error-cache-lookup': 'the same relations, of the flow that an ICMP error quotes',
};
