import { Command, InvalidArgumentError, Option } from 'commander';
import { groupingOf, namedFields } from '../../audit/query/fields.js';
import { TimeScale } from '../../audit/query/histogram.js';
import { Tally, type Group } from '../../audit/query/tally.js';
import { formatDuration, parseDuration } from '../../audit/query/times.js';
import type { Query } from '../../audit/query/query.js';
import { printRows } from '../../report/rows.js';
import { sparkline } from '../../report/sparkline.js';
import { SuggestedOption } from '../common/options.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import {
  concludeLog,
  filesOf,
  readVerdicts,
  wholeNumber,
  withFilters,
  timeOption,
  withLog,
  type LogFlags,
  type LogReading,
  type TimeFlags,
} from './log-options.js';
import { momentText, type MomentText } from '../../report/moments.js';
import { printable, timeText } from '../../report/audit-records.js';

const formats = ['text', 'json', 'yaml', 'csv', 'md'] as const;
type Format = (typeof formats)[number];

interface SummaryFlags extends LogFlags, TimeFlags {
  readonly by: readonly string[];
  readonly top: number;
  readonly bucket?: number;
  readonly output?: readonly Output<Format>[];
}

const examples = `
Groups: ${[...namedFields.keys()].join(', ')},
and every key of a record, for example source.port or network.type.

Examples:
  podwall audit summary                                   who was denied what, the most frequent first
  podwall audit summary --by reason --since 1d --bucket 1h
  podwall audit summary --by to-namespace,port --verdict allow --top 50 -o csv`;

export function summaryCommand(): Command {
  const { command, query } = withFilters(withLog(new Command('summary')));
  return command
    .description('records of the audit log, counted in groups and over time')
    .addOption(
      new SuggestedOption('--by <fields>', 'fields to group by, separated by commas', [...namedFields.keys()])
        .argParser(groupNames)
        .default(['from', 'to', 'port', 'verdict'], 'from,to,port,verdict'),
    )
    .addOption(
      new Option('--top <number>', 'show only this many groups, the largest first').argParser(wholeNumber).default(10),
    )
    .addOption(new Option('--bucket <duration>', 'shortest interval of the counts over time').argParser(bucketWidth))
    .addOption(timeOption())
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action((flags: SummaryFlags) => summarize(flags, query));
}

function groupNames(value: string): readonly string[] {
  const names = value.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => groupingOf(name) === undefined);
  if (unknown !== undefined || names.length === 0)
    throw new InvalidArgumentError(
      `${unknown ?? value} is not a field; there are: ${[...namedFields.keys()].join(', ')}.`,
    );
  return names;
}

function bucketWidth(value: string): number {
  const width = parseDuration(value);
  if (width === undefined || width === 0) throw new InvalidArgumentError('It takes a duration: 10s, 5m, 1h.');
  return width;
}

/** Fits beside a table. */
const mostBuckets = 40;

async function summarize(flags: SummaryFlags, query: Query): Promise<void> {
  const scale = new TimeScale(flags.bucket ?? 1000, mostBuckets);
  const tally = new Tally({ fields: flags.by.flatMap((name) => groupingOf(name) ?? []), scale });
  const reading = await readVerdicts(await filesOf(flags), query, (line) => tally.add(line));
  const summary = {
    by: flags.by,
    top: tally.groups().slice(0, flags.top),
    groups: tally.groups().length,
    tally,
    scale,
    moment: momentText(flags.time, Date.now()),
  };
  await writeOutputs(flags.output, 'text', (format) => print(format, summary, reading));
  if (tally.isOverlapping && !isTextOrDocument(flags)) process.stderr.write(`podwall: ${overlapText}\n`);
  process.exitCode = concludeLog(reading, flags);
}

/** Tables have no place for a remark. */
const isTextOrDocument = ({ output = [] }: SummaryFlags): boolean =>
  output.every(({ format }) => format !== 'csv' && format !== 'md');

interface Summary {
  readonly by: readonly string[];
  readonly top: readonly Group[];
  readonly groups: number;
  readonly tally: Tally;
  readonly scale: TimeScale;
  readonly moment: MomentText;
}

function print(format: Format, summary: Summary, reading: LogReading): Iterable<string> {
  if (format === 'json' || format === 'yaml') return [documentText(asDocument(summary, reading), format)];
  const { by, top, tally } = summary;
  const rows = top.map((group) => [
    ...group.key.map(printable),
    String(group.count),
    percent(group.count, tally.count),
    ...(format === 'text' ? [sparkline(group.histogram.counts)] : [timeText(group.first), timeText(group.last)]),
  ]);
  const head = [...by, 'count', 'share', ...(format === 'text' ? ['over time'] : ['first', 'last'])];
  return format === 'text' ? [...printRows(head, rows, format), '\n', totals(summary)] : printRows(head, rows, format);
}

const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(whole, 1)).toFixed(1)}%`;

const overlapText = 'rows overlap: a packet that no rule decided is counted for every policy that isolates';

function totals({ top, groups, tally, scale, moment }: Summary): string {
  const { count, records, ungrouped, isOverlapping, histogram } = tally;
  const [first = 0, last = first] = [scale.starts[0], scale.starts.at(-1)];
  const rest = groups - top.length;
  const lines = [
    `${count} packets in ${records} records${rest > 0 ? `; ${rest} more groups (--top)` : ''}`,
    ...(ungrouped > 0 ? [`${ungrouped} records of other groups, which are too many to count one by one`] : []),
    ...(isOverlapping ? [overlapText] : []),
    ...(records > 0
      ? [
          `${sparkline(histogram.counts)}  ${moment(timeText(first))} to ${moment(timeText(last + scale.width))}, ${formatDuration(scale.width)} each`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function asDocument({ by, top, groups, tally, scale }: Summary, { scan, losses, sums }: LogReading): object {
  return {
    kind: 'AuditSummary',
    schemaVersion: 1,
    by,
    count: tally.count,
    records: tally.records,
    groupCount: groups,
    ...(tally.isOverlapping ? { groupsOverlap: true } : {}),
    ...(tally.ungrouped > 0 ? { recordsOfOtherGroups: tally.ungrouped } : {}),
    ...(sums.records > 0 ? { scans: sums } : {}),
    lost: losses.count,
    malformedLines: scan.malformedLines,
    bucketMilliseconds: scale.width,
    buckets: scale.starts.map((start, index) => ({
      start: timeText(start),
      count: tally.histogram.counts[index] ?? 0,
    })),
    groups: top.map((group) => ({
      ...Object.fromEntries(by.map((name, index) => [name, group.key[index]])),
      count: group.count,
      records: group.records,
      first: timeText(group.first),
      last: timeText(group.last),
      buckets: group.histogram.counts,
    })),
  };
}
