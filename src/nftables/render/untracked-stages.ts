/**
 * Stages for packets that nobody tracks, where those are evaluated by their header (`--untracked=stateless`):
 *
 *   untracked -> untracked-flow, untracked-answer: client's rules -> untracked-…-ingress: server's rules -> untracked-allow
 *
 * What a stage does not allow comes back to `untracked`.
 */
import { families, type Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import * as x from '../language/expressions.js';
import type { Rule, Statement } from '../language/types.js';
import { untrackedChainNames, type SkeletonChain, type UntrackedChain } from '../names/chains.js';
import { setName } from '../names/sets.js';

const rule = (...statements: readonly Statement[]): Rule => ({ statements });
const named = (comment: string, ...statements: readonly Statement[]): Rule => ({ statements, comment });

export const isUntrackedChain = (name: SkeletonChain): boolean =>
  untrackedChainNames.some((untracked) => untracked === name);

const addressesOf = (family: Family): readonly x.Expression[] =>
  (['saddr', 'daddr'] as const).map((field) => x.packetAddress(family, field));

/** What policies allow does not come back. */
export const readByHeader: readonly Rule[] = [
  ...families.map((family) =>
    named(
      'untracked, a pod to itself',
      x.flowState('untracked'),
      x.inSet(x.concat(...addressesOf(family)), setName.self(family)),
      x.accept,
    ),
  ),
  named('untracked: allowed if policies allow it as a flow', x.flowState('untracked'), x.jump('untracked-flow')),
  named('untracked: allowed if it may answer a flow', x.flowState('untracked'), x.jump('untracked-answer')),
];

const headerStage = (as: x.HeaderReading, direction: Direction, next: SkeletonChain): Rule[] => {
  const { client, server } = x.byHeaderAs[as];
  const address = direction === 'egress' ? client : server;
  return [
    ...families.map((family) => rule(x.dispatch(address(family), setName.untrackedDispatch[as](direction, family)))),
    rule(x.goto(next)),
  ];
};

const beginsStream = x.match({ '&': [x.headerField('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']] }, 'syn');

/** @param accepted the counter of what is allowed */
export const untrackedChains = (accepted: string): Readonly<Record<UntrackedChain, readonly Rule[]>> => ({
  'untracked-flow': headerStage('flow', 'egress', 'untracked-flow-ingress'),
  'untracked-flow-ingress': headerStage('flow', 'ingress', 'untracked-allow'),
  'untracked-answer': [
    named('no answer begins a stream', beginsStream, x.back),
    ...headerStage('answer', 'egress', 'untracked-answer-ingress'),
  ],
  'untracked-answer-ingress': headerStage('answer', 'ingress', 'untracked-allow'),
  'untracked-allow': [rule(x.count(accepted), x.accept)],
});
