/** A record as one line for people. */
import { podOf, portOf } from '../audit/query/fields.js';
import { reasonMeanings } from '../audit/reasons.js';
import {
  isLoss,
  isScan,
  type AuditRecord,
  type EndpointRole,
  type EventRecord,
  type LossRecord,
  type ScanRecord,
} from '../audit/record.js';
import type { MomentText } from './moments.js';
import { plain, type Paint } from './paint.js';

/** Names come from the cluster: none may move the cursor of who reads them. */
export const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');

/** How a record is shown. */
export interface Look {
  readonly paint: Paint;
  readonly moment: MomentText;
}

const asRecorded: Look = { paint: plain, moment: (text) => text };

export function recordText(record: AuditRecord, { paint, moment }: Look = asRecorded): string {
  const text = printable(
    isLoss(record) ? lossText(record, moment) : isScan(record) ? scanText(record, moment) : eventText(record, moment),
  );
  // The first of these words stands before everything that comes from outside.
  return text.replace(/ (ALLOW|DENY|LOST)(?= )/, (_, word: string) => ` ${painterOf(word, paint)(word)}`);
}

const painterOf = (word: string, paint: Paint): Paint['good'] =>
  word === 'ALLOW' ? paint.good : word === 'DENY' ? paint.bad : paint.doubtful;

function eventText(event: EventRecord, moment: MomentText): string {
  const fields = {
    get: (key: string) => (event as unknown as Record<string, string | number>)[key],
    record: () => event,
  };
  const place = (role: EndpointRole): string => {
    const node = event[`${role}.podwall.class`] === 'node' ? ' (node)' : '';
    return `${podOf(fields, role)}${portText(event[`${role}.port`])}${node}`;
  };
  const { 'podwall.verdict': verdict, 'podwall.mode': mode, 'podwall.tcp_flags': flags } = event;
  return [
    moment(event['@timestamp']),
    event['k8s.node.name'],
    `${mode === 'dry-run' ? 'would ' : ''}${verdict.toUpperCase()}`,
    event['network.direction'],
    place('source'),
    '->',
    place('destination'),
    portOf({ ...fields, get: (key) => (key === 'destination.port' ? undefined : fields.get(key)) }),
    ...(flags === undefined ? [] : [flags]),
    whyOf(event),
    ...(event['podwall.count'] === 1 ? [] : [`(${event['podwall.count']} packets)`]),
  ].join(' ');
}

const portText = (port: number | undefined): string => (port === undefined ? '' : `:${port}`);

/** `default-deny by db/pg-in, db/default-deny`; `rule db/pg-in ingress[0]`. */
function whyOf(event: EventRecord): string {
  const reason = event['podwall.reason'];
  const ruleset = event['security_rule.ruleset.name'];
  const isolating = event['podwall.policies.isolating'];
  if (reason === 'default-deny' && isolating.length > 0) return `${reason} by ${isolating.join(', ')}`;
  return ruleset === undefined ? reason : [reason, ruleset, event['security_rule.name'] ?? ''].join(' ').trimEnd();
}

/** What the reason means; older and newer agents may give reasons that are not known here. */
export function meaningText({ 'podwall.reason': reason }: EventRecord): string {
  if (!Object.hasOwn(reasonMeanings, reason)) return '';
  const { text, isOfPolicies } = reasonMeanings[reason];
  return `  ${reason}: ${text}${isOfPolicies ? '' : '; no policy decided this'}\n`;
}

function scanText(scan: ScanRecord, moment: MomentText): string {
  const fields = {
    get: (key: string) => (scan as unknown as Record<string, string | number>)[key],
    record: () => scan,
  };
  const isolating = scan['podwall.policies.isolating'];
  const first = scan['podwall.scan.first'].map(
    ({ address, port, transport }) =>
      `${address.includes(':') ? `[${address}]` : address}${portText(port)}/${transport}`,
  );
  return [
    moment(scan['@timestamp']),
    scan['k8s.node.name'],
    `${scan['podwall.mode'] === 'dry-run' ? 'would ' : ''}${scan['podwall.verdict'].toUpperCase()}`,
    scan['network.direction'],
    scan['podwall.scan.senders'] === 1 ? podOf(fields, 'source') : `${scan['podwall.scan.senders']} senders`,
    '->',
    `${podOf(fields, 'destination')} (${first.join(', ')}${scan['podwall.scan.addresses'] > first.length ? ', …' : ''})`,
    portOf(fields),
    'SCAN',
    `${scan['podwall.reason']}${isolating.length === 0 ? '' : ` by ${isolating.join(', ')}`}`,
    `(${scan['podwall.count']} packets)`,
  ].join(' ');
}

function lossText(loss: LossRecord, moment: MomentText): string {
  const { direction, verdict, sender } = loss['podwall.loss.scope'];
  const of = sender === undefined ? undefined : `of ${sender}`;
  const which = [verdict, direction, of].filter((word) => word !== undefined).join(' ');
  return [
    moment(loss['@timestamp']),
    loss['k8s.node.name'],
    `LOST ${loss['podwall.loss.count']}${which === '' ? '' : ` (${which})`}`,
    `by ${loss['podwall.loss.cause']} since ${moment(loss['event.start'])}`,
  ].join(' ');
}

/** `milliseconds` since the epoch; empty where there is no such moment. */
export const timeText = (milliseconds: number): string =>
  Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString() : '';
