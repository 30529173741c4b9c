/** What a policy's rules match, as nft expressions: each way to be its peer with each way to be on its ports. */
import type { Family } from '../../model/address.js';
import type { AllowRule, GroupId, RuleList } from '../../program/types.js';
import * as x from '../language/expressions.js';
import { commentOf } from '../language/comment-text.js';
import { ruleTitle } from '../names/comments.js';
import type { MutableSet } from '../language/mutable-ruleset.js';
import type { Rule, Statement } from '../language/types.js';
import type { SetUse } from './group-sets.js';
import { peerForms, type PeerForm } from './peer-forms.js';
import { portForms, type PortForm } from './port-forms.js';

/** A rule, which allows every one of its peers on every one of its ports. */
export interface RuleForms {
  /** Its place in the YAML; two may have the same. */
  readonly rule: number;
  readonly peers: readonly PeerForm[];
  readonly ports: readonly PortForm[];
}

/** The sets that rules look up. */
export interface RuleSets {
  readonly fixed: readonly MutableSet[];
  /** Sets whose elements come and go with pods. */
  readonly ofGroups: readonly SetUse[];
}

/** In the order of the YAML. */
export function formsOf(
  { rules, direction }: Pick<RuleList, 'rules' | 'direction'>,
  families: readonly Family[],
  unionOf: (ids: readonly GroupId[]) => SetUse,
): readonly RuleForms[] {
  return rules.map(({ origin, peers, ports }: AllowRule) => ({
    rule: origin.rule,
    peers: peerForms(peers, { direction, families, unionOf }),
    ports: portForms(ports, unionOf),
  }));
}

export const setsOf = (forms: readonly RuleForms[]): RuleSets => ({
  fixed: forms.flatMap(({ peers, ports }) => [
    ...peers.flatMap(({ sets }) => sets),
    ...ports.flatMap(({ set }) => set ?? []),
  ]),
  ofGroups: forms.flatMap(({ peers, ports }) => [
    ...peers.flatMap(({ pods }) => pods ?? []),
    ...ports.flatMap(({ listeners }) => listeners ?? []),
  ]),
});

export const ruleComment = (list: RuleList, rule: number, peer: PeerForm, ports?: PortForm): string =>
  commentOf(
    `${ruleTitle(list, rule)} ${list.direction === 'ingress' ? 'from' : 'to'} ${peer.title}${ports?.text ?? ''}`,
  );

/** One rule a family; a rule that names neither peer nor port needs no family. */
export function rulesOf(list: RuleList, { rule, peers, ports }: RuleForms, verdict: readonly Statement[]): Rule[] {
  return peers.flatMap((peer) =>
    ports.flatMap((form) => {
      const comment = ruleComment(list, rule, peer, form);
      return matchesOf(peer, form).map((statements) => ({ statements: [...statements, ...verdict], comment }));
    }),
  );
}

/** One for every family that it needs. */
export function matchesOf(peer: PeerForm, form: PortForm, view = x.byFlow): readonly (readonly Statement[])[] {
  if (peer.key === 'anyone' && form.guard().length === 0) return [[]];
  const hasAddress = peer.key !== 'anyone' || form.listeners !== undefined;
  return peer.families.map((family) => [
    ...(view.namesFamily && hasAddress ? [] : [x.ofFamily(family)]),
    ...form.guard(view),
    ...peer.match(family, view),
    ...form.match(family, view),
  ]);
}
