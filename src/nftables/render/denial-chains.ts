/**
 * Where denied packets end: one chain for every reason. It counts the packet, logs it when denials are recorded, and drops
 * it; in a dry run of the agent it only reports it. The name tells the reader of the log what denied it, so it must not
 * change when a policy's rules do.
 */
import type { PolicyMode } from '../../model/policy-mode.js';
import * as x from '../language/expressions.js';
import { loggedCounters, logRules, type AuditRules } from './log-rules.js';
import { reportRules } from './report-chains.js';
import type { Chain, Statement } from '../language/types.js';

export interface Denial {
  readonly name: string;
  /** Of every packet that is denied here. */
  readonly dropped: string;
  /** Of those that were logged. */
  readonly logged: string;
  readonly judgedBy: 'flow' | 'packet';
  readonly comment?: string;
}

export function denialChain(denial: Denial, audit: AuditRules | undefined): Chain {
  const { name, dropped, logged, judgedBy, comment } = denial;
  return {
    name,
    rules: [
      { statements: [x.count(dropped)] },
      ...(audit === undefined ? [] : logRules({ chain: name, counter: logged, judgedBy }, audit)),
      { statements: [x.drop], ...(comment === undefined ? {} : { comment }) },
    ],
  };
}

/** Denials that are not any policy's; the chain is `deny-` and the name. */
const skeletonDenials = {
  'mid-stream': 'flow',
  'picked-full': 'flow',
  'no-entry': 'packet',
  error: 'packet',
  'unknown-pod': 'flow',
  'unknown-pod-packet': 'packet',
} as const;
export type SkeletonDenial = keyof typeof skeletonDenials;

/** In a dry run the packet goes on. */
export const deny = (reason: SkeletonDenial, mode: PolicyMode): Statement =>
  mode === 'audit' ? x.jump(`deny-${reason}`) : x.goto(`deny-${reason}`);

export const skeletonDrops: readonly string[] = Object.keys(skeletonDenials).map((reason) => `drop-${reason}`);

export const skeletonDenialChains = (audit: AuditRules | undefined, mode: PolicyMode): Chain[] =>
  Object.entries(skeletonDenials).map(([reason, judgedBy]) => {
    const name = `deny-${reason}`;
    if (mode === 'enforce')
      return denialChain({ name, dropped: `drop-${reason}`, logged: loggedCounters.neither, judgedBy }, audit);
    return { name, rules: audit === undefined ? [] : reportRules({ chain: name, judgedBy }, audit) };
  });
