/**
 * Where denied packets end: one chain for every reason. It counts the packet, logs it when denials are recorded, and drops
 * it; in a dry run of the agent it only reports it. The name tells the reader of the log what denied it, so it must not
 * change when a policy's rules do.
 */
import type { PolicyMode } from '../../model/policy-mode.js';
import { skeletonDrops, type SkeletonDrop } from '../../program/logged-chain.js';
import * as x from '../language/expressions.js';
import type { Chain } from '../language/types.js';
import { chains } from '../names/chains.js';
import { counters } from '../names/counters.js';
import { loggedCounter, logRules, type AuditRules } from './log-rules.js';
import { reportRules } from './report-chains.js';

export interface Denial {
  readonly name: string;
  /** Of every packet that is denied here. */
  readonly dropped: string;
  /** Of those that were logged. */
  readonly logged: string;
  readonly evaluatedBy: 'flow' | 'packet';
  readonly comment?: string;
}

export function denialChain(denial: Denial, audit: AuditRules | undefined): Chain {
  const { name, dropped, logged, evaluatedBy, comment } = denial;
  return {
    name,
    rules: [
      { statements: [x.count(dropped)] },
      ...(audit === undefined ? [] : logRules({ chain: name, counter: logged, evaluatedBy }, audit)),
      { statements: [x.drop], ...(comment === undefined ? {} : { comment }) },
    ],
  };
}

const evaluatedBy: Readonly<Record<SkeletonDrop, 'flow' | 'packet'>> = {
  'mid-stream': 'flow',
  'midstream-full': 'flow',
  untracked: 'packet',
  invalid: 'packet',
  'icmp-error': 'packet',
  'unknown-pod': 'flow',
  'unknown-pod-packet': 'packet',
};

export const denyName = (reason: SkeletonDrop): string => chains.nameOf({ kind: 'skeleton-deny', reason });
const dropCounter = (reason: SkeletonDrop): string => counters.nameOf({ kind: 'skeleton-drop', reason });

export const skeletonDropCounters: readonly string[] = skeletonDrops.map(dropCounter);

/** In a dry run of the agent they come back. */
export const skeletonDenialChains = (audit: AuditRules | undefined, mode: PolicyMode): Chain[] =>
  skeletonDrops.map((reason) => {
    const name = denyName(reason);
    const denial = { name, evaluatedBy: evaluatedBy[reason] };
    return mode === 'enforce'
      ? denialChain({ ...denial, dropped: dropCounter(reason), logged: loggedCounter('neither') }, audit)
      : { name, rules: audit === undefined ? [] : reportRules({ ...denial, chain: name }, audit) };
  });
