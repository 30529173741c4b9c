/** What would let a denied flow pass. */
import { workloadOf } from '../audit/query/fields.js';
import type { RecordFields } from '../audit/reading/line-reader.js';
import { isOfPolicies } from '../audit/reasons.js';
import { isEvent, type EventRecord, type RecordReason } from '../audit/record.js';
import type { SnapshotReader } from '../audit/snapshots/snapshot-reader.js';
import type { Edit } from './edits.js';
import { explainRecorded } from './recorded-explanation.js';
import { dryRunOf, recordedFlow } from './recorded-flows.js';

export type Remedy =
  /** From the policies that were in force: the smallest change of one of them. */
  { readonly kind: 'edit'; readonly edit: Edit } | { readonly kind: 'advice'; readonly text: string };

export function remedyOf(fields: RecordFields, snapshots: SnapshotReader): Remedy | undefined {
  const event = fields.record();
  if (!isEvent(event)) return undefined;
  // Where policies did not decide, a change of them would not help.
  const edit = isOfPolicies(event['podwall.reason']) ? editFor(fields, event, snapshots) : undefined;
  if (edit !== undefined) return { kind: 'edit', edit };
  const reason = event['podwall.reason'];
  const text = Object.hasOwn(advice, reason) ? advice[reason](event, fields) : undefined;
  return text === undefined ? undefined : { kind: 'advice', text };
}

function editFor(fields: RecordFields, event: EventRecord, snapshots: SnapshotReader): Edit | undefined {
  const policies = snapshots.policies(event['podwall.snapshot'] ?? '');
  const flow = recordedFlow(fields, (id) => snapshots.identity(id));
  if (policies === undefined || flow === undefined) return undefined;
  return explainRecorded(flow, policies, dryRunOf(event))?.steps.find(({ direction }) => direction === flow.direction)
    ?.edit;
}

/** Undefined for a verdict that allows. */
type Advice = (event: EventRecord, fields: RecordFields) => string | undefined;

const advice: Readonly<Record<RecordReason, Advice>> = {
  rule: () => undefined,
  'not-isolated': () => undefined,
  exempt: () => undefined,
  'neighbour-discovery': () => undefined,
  'default-deny': (event, fields) => {
    const direction = event['network.direction'];
    const peer =
      direction === 'ingress' ? `from ${workloadOf(fields, 'source')}` : `to ${workloadOf(fields, 'destination')}`;
    const port = event['destination.port'];
    const what = port === undefined ? 'without ports' : `for ${event['network.transport'].toUpperCase()} ${port}`;
    return `an ${direction} rule ${peer} ${what}, in ${event['podwall.policies.isolating'].join(' or ') || 'a policy'}`;
  },
  'invalid-policy': (event) =>
    `mend ${event['podwall.policies.isolating'].join(', ')}: what cannot be read allows nothing (podwall lint)`,
  'unknown-pod': () => 'nothing: no pod is known by this address; if there is one, the agent had not heard of it yet',
  'source-guard': () =>
    'nothing: the pod sent from an address that is not its own; annotate its namespace podwall.dev/source-guard: "off" where it must',
  base: () => 'nothing: what a bridge carries to many, or to a link-local address, reaches no pod',
  'mid-stream': () => 'nothing: the connection was not seen from its beginning; the client has to connect again',
  untracked: () =>
    'nothing: have the node track this traffic (a rule of its own says notrack); with --untracked=stateless the agent lets pass what policies allow',
  'invalid-packet': () =>
    'nothing: conntrack must know the connection; see the conntrack table of the node, or connect again',
  'icmp-error': () => 'nothing: an ICMP error may be sent by an endpoint of the flow that it quotes only',
  'admin-deny': (event) => `a rule before that of ${event['security_rule.ruleset.name'] ?? 'the admin policy'}`,
  'baseline-deny': () => 'a NetworkPolicy that allows it: the baseline is asked last',
};
