/** What each reason of a record means, for people; and whether policies decided, so that a change of them would help. */
import type { RecordReason } from './record.js';

interface ReasonMeaning {
  readonly text: string;
  readonly isOfPolicies: boolean;
}

const ofPolicies = (text: string): ReasonMeaning => ({ text, isOfPolicies: true });
const whateverPoliciesSay = (text: string): ReasonMeaning => ({ text, isOfPolicies: false });

export const reasonMeanings: Readonly<Record<RecordReason, ReasonMeaning>> = {
  'default-deny': ofPolicies('policies isolate the pod, and no rule of theirs allows the flow'),
  rule: ofPolicies('a rule of a policy allows the flow'),
  'not-isolated': ofPolicies('no policy isolates the pod'),
  'invalid-policy': ofPolicies('a policy that is not valid isolates the pod and allows nothing'),
  'admin-deny': ofPolicies('a rule of the admin tier denies the flow'),
  'baseline-deny': ofPolicies('a rule of the baseline tier denies the flow'),
  exempt: whateverPoliciesSay('policies do not apply to this traffic'),
  'unknown-pod': whateverPoliciesSay('an address in the pod ranges belongs to no known pod'),
  'source-guard': whateverPoliciesSay('the pod sent from an address that is not its own'),
  'mid-stream': whateverPoliciesSay(
    'the packet is from the middle of a connection whose beginning conntrack has not seen',
  ),
  untracked: whateverPoliciesSay(
    'the node does not track the packet (NOTRACK): to or from an isolated pod it passes only with --untracked=stateless, where policies allow its header',
  ),
  'invalid-packet': whateverPoliciesSay('conntrack finds the packet invalid'),
  'icmp-error': whateverPoliciesSay('an ICMP message that is no error, or an error about a flow of others'),
  'neighbour-discovery': whateverPoliciesSay('neighbour discovery'),
  base: whateverPoliciesSay('a bridge carried a broadcast, multicast or link-local packet to the pod'),
};

export const isOfPolicies = (reason: string): boolean =>
  Object.hasOwn(reasonMeanings, reason) && reasonMeanings[reason as RecordReason].isOfPolicies;
