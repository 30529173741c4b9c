/**
 * Where denied packets end: one chain for every reason. It counts the packet, logs it when denials are recorded, and drops
 * it; in a dry run of the agent it only reports it. The reader of the log knows by the name what denied it, so it must not
 * change when a policy's rules do.
 */
import type { PolicyMode } from '../../model/policy-mode.js';
import { skeletonDrops, type SkeletonDrop } from '../../program/drop-reasons.js';
import * as x from '../language/expressions.js';
import type { Chain } from '../language/types.js';
import { chains } from '../names/chains.js';
import { loggedCounter, logRules, type AuditRules } from './log-rules.js';
import { skeletonDropCounter } from './policy-counters.js';
import { reportRules } from './report-chains.js';

interface Denial {
  readonly name: string;
  /** Of every packet that is denied here. */
  readonly dropped: string;
  /** Of those that were logged. */
  readonly logged: string;
  readonly evaluatedBy: 'flow' | 'packet';
  readonly title: string;
  /** Of the drop. */
  readonly comment?: string;
}

export function denialChain(denial: Denial, audit: AuditRules | undefined): Chain {
  const { name, title, dropped, logged, evaluatedBy, comment } = denial;
  return {
    name,
    title,
    rules: [
      { statements: [x.count(dropped)] },
      ...(audit === undefined ? [] : logRules({ chain: name, counter: logged, evaluatedBy }, audit)),
      { statements: [x.drop], ...(comment === undefined ? {} : { comment }) },
    ],
  };
}

const skeletonDenials: Readonly<Record<SkeletonDrop, Pick<Denial, 'evaluatedBy' | 'title'>>> = {
  'mid-stream': { evaluatedBy: 'flow', title: 'the middle of a stream whose client is not known' },
  'midstream-full': { evaluatedBy: 'flow', title: 'the middle of a stream, and no room to keep it' },
  untracked: { evaluatedBy: 'packet', title: 'no conntrack entry' },
  invalid: { evaluatedBy: 'packet', title: 'a conntrack entry that the packet does not belong to' },
  'icmp-error': { evaluatedBy: 'packet', title: 'an ICMP error that its sender may not send' },
  'unknown-pod': { evaluatedBy: 'flow', title: 'a client or server in the pod ranges that is no known pod' },
  'unknown-pod-packet': { evaluatedBy: 'packet', title: 'an address in the pod ranges that is no known pod' },
};

export const denyName = (reason: SkeletonDrop): string => chains.nameOf({ kind: 'skeleton-deny', reason });
export const skeletonDropCounters: readonly string[] = skeletonDrops.map(skeletonDropCounter);

/** With `--mode=dry-run` these chains drop nothing: the packet returns to the rule after the jump. */
export const skeletonDenialChains = (audit: AuditRules | undefined, mode: PolicyMode): Chain[] =>
  skeletonDrops.map((reason) => {
    const name = denyName(reason);
    const denial = { name, ...skeletonDenials[reason] };
    return mode === 'enforce'
      ? denialChain({ ...denial, dropped: skeletonDropCounter(reason), logged: loggedCounter('neither') }, audit)
      : {
          name,
          title: denial.title,
          rules: audit === undefined ? [] : reportRules({ chain: name, evaluatedBy: denial.evaluatedBy }, audit),
        };
  });
