import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { remedyOf, type Remedy } from '../../analysis/remedies.js';
import { LineReader } from '../../audit/reading/line-reader.js';
import { fieldOf } from '../../audit/query/fields.js';
import { TimeScale } from '../../audit/query/histogram.js';
import type { Query } from '../../audit/query/query.js';
import { Tally, type Group } from '../../audit/query/tally.js';
import { isLoss } from '../../audit/record.js';
import type { SnapshotReader } from '../../audit/snapshots/snapshot-reader.js';
import { formatPath } from '../../model/diagnostic.js';
import { policyKey } from '../../model/policy.js';
import { printRows } from '../../report/rows.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import {
  concludeLog,
  filesOf,
  readVerdicts,
  wholeNumber,
  withFilters,
  withLog,
  timeOption,
  type LogFlags,
  type TimeFlags,
} from './log-options.js';
import { printable, timeText } from '../../report/audit-records.js';
import { momentText, type MomentText } from '../../report/moments.js';
import { snapshotsBeside } from '../../audit/reading/snapshots-beside-log.js';

const formats = ['text', 'json', 'yaml', 'csv', 'md'] as const;
type Format = (typeof formats)[number];

interface DeniedFlags extends LogFlags, TimeFlags {
  readonly top: number;
  readonly output?: readonly Output<Format>[];
}

const examples = `
What would allow the traffic is derived from the policies that were in force, if the log's folder still has them.

Examples:
  podwall audit denied --since 1h
  podwall audit denied -n shop --not --reason source-guard
  podwall audit denied --mode dry-run           what a dry run would deny`;

export function deniedCommand(): Command {
  const { command, query } = withFilters(withLog(new Command('denied')));
  return command
    .summary('what was denied, and what would allow it')
    .description(
      'what was denied, or would be without the dry run: source, destination, when, how often, and what would allow it',
    )
    .addOption(
      new Option('--top <number>', 'show only this many, the most frequent first').argParser(wholeNumber).default(20),
    )
    .addOption(timeOption())
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action((flags: DeniedFlags) => denied(flags, query));
}

const fields = ['from', 'to', 'port', 'direction', 'reason', 'mode'] as const;

async function denied(flags: DeniedFlags, query: Query): Promise<void> {
  const scale = new TimeScale(1000, 1);
  const tally = new Tally({ fields: fields.flatMap((name) => fieldOf(name) ?? []), scale, samples: true });
  const files = await filesOf(flags);
  const reading = await readVerdicts(files, query, (line) => {
    if (line.get('podwall.verdict') === 'deny') tally.add(line);
  });
  const snapshots = snapshotsBeside(files);
  const groups = tally.groups();
  const moment = momentText(flags.time, Date.now());
  const shown = groups.slice(0, flags.top).map((group) => denialOf(group, snapshots));
  await writeOutputs(flags.output, 'text', (format) => print(format, shown, { tally, groups: groups.length, moment }));
  process.exitCode = concludeLog(reading, flags);
}

interface Denial {
  readonly from: string;
  readonly to: string;
  readonly port: string;
  readonly direction: string;
  readonly reason: string;
  readonly mode: string;
  readonly policies: readonly string[];
  readonly count: number;
  readonly records: number;
  readonly first: string;
  readonly last: string;
  readonly remedy: Remedy | undefined;
}

function denialOf(group: Group, snapshots: SnapshotReader): Denial {
  const [from = '', to = '', port = '', direction = '', reason = '', mode = ''] = group.key;
  const line = new LineReader().take(group.sample);
  const record = line.record();
  return {
    ...{ from, to, port, direction, reason, mode },
    policies: isLoss(record) ? [] : record['podwall.policies.isolating'],
    count: group.count,
    records: group.records,
    first: timeText(group.first),
    last: timeText(group.last),
    remedy: remedyOf(line, snapshots),
  };
}

interface All {
  readonly tally: Tally;
  readonly groups: number;
  readonly moment: MomentText;
}

function print(format: Format, shown: readonly Denial[], all: All): Iterable<string> {
  if (format === 'json' || format === 'yaml') return [documentText(asDocument(shown, all), format)];
  if (format === 'text') return [...shown.map((one) => denialText(one, all.moment)), totals(shown, all)];
  const head = [...fields, 'policies', 'count', 'first', 'last', 'allow'];
  const rows = shown.map((one) => [
    ...fields.map((name) => one[name]),
    ...[one.policies.join(' '), String(one.count), one.first, one.last, remedyText(one.remedy).join(' ')],
  ]);
  return printRows(
    head,
    rows.map((row) => row.map(printable)),
    format,
  );
}

function denialText(one: Denial, moment: MomentText): string {
  const { from, to, port, direction, reason, mode, policies, count, first, last } = one;
  const why = policies.length === 0 ? reason : `${reason} by ${policies.join(', ')}`;
  const remedy = remedyText(one.remedy);
  return [
    `${from} -> ${to} ${port}  ${count} ${mode === 'dry-run' ? 'would be denied' : 'denied'}`,
    `  ${direction}, ${why}`,
    `  first ${moment(first)}, last ${moment(last)}`,
    ...remedy.map((line, index) => (index === 0 ? `  to allow it: ${line}` : `    ${line}`)),
    '',
  ]
    .map((line) => `${printable(line)}\n`)
    .join('');
}

function remedyText(remedy: Remedy | undefined): readonly string[] {
  if (remedy === undefined) return [];
  if (remedy.kind === 'advice') return [remedy.text];
  const { policy, path, add } = remedy.edit;
  return [`in ${policyKey(policy)}, add to ${formatPath(path)}`, ...stringify(add).trimEnd().split('\n')];
}

function totals(shown: readonly Denial[], { tally, groups }: All): string {
  if (tally.records === 0) return 'nothing was denied\n';
  const rest = groups - shown.length;
  const others = tally.ungrouped === 0 ? '' : `; ${tally.ungrouped} records of other flows, which are too many to list`;
  return `${tally.count} packets in ${tally.records} records${rest > 0 ? `; ${rest} more of these (--top)` : ''}${others}\n`;
}

const asDocument = (shown: readonly Denial[], { tally, groups }: All): object => ({
  kind: 'AuditDenials',
  schemaVersion: 1,
  count: tally.count,
  records: tally.records,
  groupCount: groups,
  denials: shown.map(({ remedy, ...one }) => ({ ...one, ...remedyDocument(remedy) })),
});

function remedyDocument(remedy: Remedy | undefined): object {
  if (remedy === undefined) return {};
  if (remedy.kind === 'advice') return { advice: remedy.text };
  const { policy, path, add } = remedy.edit;
  return { edit: { policy: policyKey(policy), path: formatPath(path), add } };
}
