import type { DryRunScope } from '../../model/policy-mode.js';
import { Command } from 'commander';
import { explainRecorded } from '../../analysis/recorded-explanation.js';
import { RecordedFlowEvaluator, type RecordedVerdict } from '../../analysis/recorded-evaluator.js';
import { dryRunOf, recordedFlow, type RecordedFlow } from '../../analysis/recorded-flows.js';
import { remedyOf } from '../../analysis/remedies.js';
import { LineReader } from '../../audit/reading/line-reader.js';
import { Query } from '../../audit/query/query.js';
import { isEvent, type AuditRecord, type EventRecord, type TraceStep } from '../../audit/record.js';
import type { SnapshotReader } from '../../audit/snapshots/snapshot-reader.js';
import { policyKey, type AnyPolicy } from '../../model/policy.js';
import { printOrigin } from '../../program/print.js';
import { exitCode } from '../common/exit-codes.js';
import { explanationAsJson, explanationText, type PolicyPositions } from '../../report/explanations.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { filesOf, readVerdicts, withLog, type LogFlags } from './log-options.js';
import { hasPolicies, readPolicies, withPolicies, type PolicyFlags } from './policy-options.js';
import { meaningText, printable, recordText } from '../../report/audit-records.js';
import { parseRecordSelector, type RecordSelector } from '../../audit/query/record-selector.js';
import { snapshotsBeside } from '../../audit/reading/snapshots-beside-log.js';

const formats = ['text', 'json', 'yaml'] as const;

interface ExplainFlags extends LogFlags, PolicyFlags {
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
A record is selected by its event.id, its community id, or source and destination of its flow (the latest of several).
The explanation uses the policies and labels of that moment, which the agent keeps beside the log; when they are gone,
the answer is unknown (exit 4). With --policies or a live cluster it also says what these decide for the same pods.

Examples:
  podwall audit explain 01JDADQ3V5Z0G0000000000001
  podwall audit explain 10.0.1.3:40243 10.0.2.2:8080 tcp
  podwall audit explain 10.0.1.3 10.0.2.2 --policies manifests/`;

export const explainCommand = (): Command =>
  withPolicies(withLog(new Command('explain')))
    .summary('why a recorded packet was allowed or denied')
    .description(
      'why a recorded packet was allowed or denied, rule by rule; exit 0 when it passed (or would pass now), 1 when not',
    )
    .argument('<record>', 'an event.id, a community id, or the source as ADDRESS[:PORT]')
    .argument('[destination]', 'ADDRESS[:PORT]; [ADDRESS]:PORT for IPv6')
    .argument('[protocol]', 'tcp, udp, sctp, …')
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(
      async (record: string, destination: string | undefined, protocol: string | undefined, flags: ExplainFlags) =>
        explainFound(parseRecordSelector(record, destination, protocol), flags),
    );

async function explainFound(selector: RecordSelector, flags: ExplainFlags): Promise<void> {
  const files = await filesOf(flags);
  let [found, scan] = ['', ''];
  await readVerdicts(files, new Query(), (line) => {
    const isOfScan = line.get('event.action') === 'podwall-scan';
    if (isOfScan && selector.isOfSender(line)) scan = Buffer.from(line.text).toString();
    if (!isOfScan && selector.matches(line)) found = Buffer.from(line.text).toString();
  });
  if (found === '' && scan !== '') {
    await explainScan(new LineReader().take(scan).record(), flags);
    return;
  }
  if (found === '') {
    process.stderr.write(`podwall: no record of ${selector.title}\n`);
    process.exitCode = exitCode.nothing;
    return;
  }
  const explained = await explainRecord(new LineReader().take(found), snapshotsBeside(files), flags);
  await writeOutputs(flags.output, 'text', (format) =>
    format === 'text' ? [explained.text] : [documentText(explained.document, format)],
  );
  process.exitCode = explained.code;
}

/** A sum says what decided, and not of which flow. */
async function explainScan(record: AuditRecord, { output }: ExplainFlags): Promise<void> {
  const text =
    `${recordText(record)}\n` +
    'unknown: the sender was past its share of records (--audit-sender-rate), and its packets were summed; of the flow itself ' +
    'nothing more is known\n';
  const document = { kind: 'AuditExplanation', schemaVersion: 1, record, then: 'unknown' };
  await writeOutputs(output, 'text', (format) => (format === 'text' ? [text] : [documentText(document, format)]));
  process.exitCode = exitCode.partial;
}

/** What some policies decide for the flow; undefined where the policies or the identity of its pods are not known. */
interface Decision {
  readonly verdict: RecordedVerdict;
  readonly text: string;
  readonly document: object;
}

function decide(
  flow: RecordedFlow | undefined,
  policies: readonly AnyPolicy[] | undefined,
  { positions, dryRun }: { readonly positions: PolicyPositions; readonly dryRun: DryRunScope },
): Decision | undefined {
  if (flow === undefined || policies === undefined) return undefined;
  const verdict = new RecordedFlowEvaluator(policies, dryRun).evaluate(flow);
  const explanation = explainRecorded(flow, policies, dryRun);
  if (explanation !== undefined)
    return {
      verdict,
      text: explanationText(explanation, positions),
      document: explanationAsJson(explanation, positions),
    };
  const { allowed, isolatedBy, rule } = verdict;
  const by = isolatedBy.map(policyKey);
  const why =
    rule !== undefined
      ? `allowed by ${printOrigin(rule)}`
      : by.length === 0
        ? 'no policy isolates'
        : `isolated by ${by.join(', ')}`;
  return {
    verdict,
    text: `${allowed ? 'yes' : 'no'}: ${flow.direction}: ${why}\n`,
    document: { allowed, isolatedBy: by },
  };
}

interface Explained {
  readonly text: string;
  readonly document: object;
  readonly code: number;
}

async function explainRecord(line: LineReader, snapshots: SnapshotReader, flags: ExplainFlags): Promise<Explained> {
  const event = line.record();
  if (!isEvent(event)) throw new Error('neither a loss nor a scan is the verdict on a flow');
  const flow = recordedFlow(line, (id) => snapshots.identity(id));
  const dryRun = dryRunOf(event);
  const then = decide(flow, snapshots.policies(event['podwall.snapshot'] ?? ''), {
    positions: () => undefined,
    dryRun,
  });
  const given = hasPolicies(flags) ? await readPolicies(flags) : undefined;
  const now = given && decide(flow, given.policies, { positions: given.positions, dryRun });
  const remedy = remedyOf(line, snapshots);
  const passed = event['event.outcome'] === 'success';
  const sections = [
    `${recordText(event)}\n${meaningText(event)}${event['podwall.trace'].map(stepText).join('')}`,
    then === undefined ? unknownText(event, flow, snapshots) : `under the policies of that moment\n${then.text}`,
    ...(remedy?.kind === 'advice' && !passed ? [`to allow it: ${remedy.text}\n`] : []),
    ...(given === undefined ? [] : [`under the policies given\n${now?.text ?? 'unknown\n'}`]),
  ];
  const asked = given === undefined ? then : now;
  const isAllowed = given === undefined ? passed : now?.verdict.allowed;
  return {
    text: sections.join('\n'),
    document: {
      kind: 'AuditExplanation',
      schemaVersion: 1,
      record: event,
      then: then?.document ?? 'unknown',
      ...(given === undefined ? {} : { now: now?.document ?? 'unknown' }),
    },
    code: asked === undefined ? exitCode.partial : isAllowed === true ? exitCode.done : exitCode.no,
  };
}

function unknownText(event: EventRecord, flow: RecordedFlow | undefined, snapshots: SnapshotReader): string {
  const namespaces = [event['source.k8s.namespace.name'], event['destination.k8s.namespace.name']];
  const removed = snapshots.pastBound([...new Set(namespaces)].filter((one) => one !== undefined));
  const because =
    removed.length === 0
      ? ''
      : ` (what changes in ${removed.join(', ')} had caused was past its bound in bytes, and the oldest of it was removed)`;
  const gone =
    flow === undefined ? 'the identity of its pods' : `policy set ${event['podwall.snapshot'] ?? '(none named)'}`;
  return `unknown: ${printable(`${gone} is no longer kept beside the log${because}`)}; only the record is left\n`;
}

function stepText({ tier, namespace, name, generation, rule, action }: TraceStep): string {
  const policy = namespace === undefined ? name : `${namespace}/${name}`;
  const which = rule === null ? '' : ` rule ${rule.index}${rule.name === undefined ? '' : ` (${rule.name})`}`;
  return (
    printable(`  ${tier}: ${policy}${generation === undefined ? '' : ` generation ${generation}`}${which}: ${action}`) +
    '\n'
  );
}
