/** The options of every command that reads the audit log. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { criterionKinds } from '../../audit/query/criteria.js';
import { packetsOf } from '../../audit/query/fields.js';
import { LossTotals } from '../../audit/query/losses.js';
import { Query } from '../../audit/query/query.js';
import { parseMoment } from '../../audit/query/times.js';
import type { LineReader } from '../../audit/reading/line-reader.js';
import { Scan } from '../../audit/reading/scan.js';
import { isLoss } from '../../audit/record.js';
import { timeStyles, type TimeStyle } from '../../report/moments.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { repeatable, SuggestedOption } from '../common/options.js';
import { withRenamedValues } from '../common/renamed.js';
import { defaultLogDirectory, logFiles, type LogFiles } from '../../audit/reading/log-files.js';
import { sourcesWithProgress } from './log-progress.js';

export interface LogFlags {
  readonly log?: readonly string[];
  readonly allowPartial: boolean;
}

export interface TimeFlags {
  readonly time: TimeStyle;
}

export const timeOption = (): Option =>
  new Option('--time <style>', "times of text output: as recorded, in this machine's time zone, or how long ago")
    .choices(timeStyles)
    .default(timeStyles[0]);

export const withLog = (command: Command): Command =>
  command
    .option(
      '--log <path>',
      `file, directory, glob, or - for stdin; .gz too (repeatable; default: ${defaultLogDirectory}: audit.jsonl, audit-scan.jsonl and their rotated files)`,
      (value: string, before: readonly string[] | undefined) => repeatable(value, before ?? []),
    )
    .option('--allow-partial', 'ignore malformed lines in the exit code', false);

export const filesOf = ({ log }: LogFlags): Promise<LogFiles> => logFiles(log ?? [defaultLogDirectory], process.stdin);

interface Queried {
  readonly command: Command;
  readonly query: Query;
}

/** Adds the options for a time; their values are collected in the query. */
export function withTimes(command: Command): Queried {
  const query = new Query();
  const moment = (value: string): number => {
    const parsed = parseMoment(value, Date.now());
    if (parsed === undefined)
      throw new InvalidArgumentError('It takes a duration (90s, 2h30m, 7d) or a time (RFC 3339).');
    return parsed;
  };
  command
    .option(
      '--since <moment>',
      'only records since then: a duration ago (10m, 2h30m, 7d) or a time (RFC 3339)',
      (value) => query.since(moment(value)),
    )
    .option('--until <moment>', 'only records before then', (value) => query.until(moment(value)));
  return { command, query };
}

/** Adds the filters, too. */
export function withFilters(to: Command): Queried {
  const { command, query } = withTimes(to);
  let negated = false;
  command.on('option:not', () => (negated = true));
  command.option('--not', 'exclude what the next filter matches');
  command.hook('preAction', () => {
    if (negated) throw new UsageError('--not excludes what the next filter matches, and no filter follows');
  });
  for (const { name, value, about, words = [], renamed = {}, parse } of criterionKinds)
    command.addOption(
      withRenamedValues(
        new SuggestedOption(`${shortNames[name] ?? ''}--${name} <${value}>`, about, words).argParser((text) => {
          const criterion = parse(text);
          if (criterion === undefined) throw new InvalidArgumentError(`It takes ${value}: ${about}.`);
          if (negated) query.exclude(criterion);
          else query.require(name, criterion);
          negated = false;
        }),
        renamed,
      ),
    );
  command.addHelpText('after', filterHelp);
  return { command, query };
}

const shortNames: Readonly<Record<string, string>> = { namespace: '-n, ' };

const filterHelp = `
Filters: several values of one filter are alternatives; different filters must all match; --not before a filter excludes
what it matches.`;

export interface LogReading {
  readonly scan: Scan;
  readonly losses: LossTotals;
  /** Of the records that were passed on, those that sum a sender's packets. */
  readonly sums: ScanTotals;
}

export interface ScanTotals {
  readonly records: number;
  readonly packets: number;
}

type Take = (line: LineReader) => boolean;

/** Passes on the verdicts that the query selects, and adds up the losses of that time. False ends the scan. */
export function readingOf(query: Query, takeVerdict: Take, takeLoss: Take = () => true): LogReading {
  const losses = new LossTotals();
  const sums = { records: 0, packets: 0 };
  const scan = new Scan((line) => {
    if (!query.isInTime(line)) return true;
    const action = line.get('event.action');
    if (action !== 'podwall-loss') {
      if (!query.matches(line)) return true;
      if (action === 'podwall-scan') {
        sums.records += 1;
        sums.packets += packetsOf(line);
      }
      return takeVerdict(line);
    }
    const record = line.record();
    if (isLoss(record)) losses.add(record);
    return takeLoss(line);
  });
  return { scan, losses, sums };
}

/** Reads the whole log. */
export async function readVerdicts(
  files: LogFiles,
  query: Query,
  take: (line: LineReader) => void,
): Promise<LogReading> {
  const reading = readingOf(query, (line) => {
    take(line);
    return true;
  });
  await reading.scan.read(await sourcesWithProgress(files));
  return reading;
}

/** Prints what could not be read and what was lost, and returns what the former means for the exit code. */
export function concludeLog({ scan, losses, sums }: LogReading, { allowPartial }: LogFlags): number {
  const { malformed, malformedLines, unread, records } = scan;
  for (const { source, message } of unread) process.stderr.write(`podwall: ${source}: ${message}\n`);
  for (const { source, line, message } of malformed)
    process.stderr.write(`podwall: ${source}:${line}: malformed: ${message}\n`);
  if (malformedLines > malformed.length)
    process.stderr.write(
      `podwall: ${malformedLines - malformed.length} more malformed lines: see podwall audit verify\n`,
    );
  if (sums.records > 0)
    process.stderr.write(
      `podwall: of these records, ${sums.records} sum ${sums.packets} packets of senders that were past their share (scans)\n`,
    );
  if (losses.count > 0)
    process.stderr.write(
      `podwall: the log reports ${losses.count} packets of this time as lost: see podwall audit loss\n`,
    );
  if (unread.length + malformedLines > 0 && !allowPartial) return exitCode.partial;
  if (records > 0) return exitCode.done;
  process.stderr.write('podwall: the log has no records\n');
  return exitCode.nothing;
}

/** Of a flag that says how many to show. */
export function wholeNumber(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('It takes a number above 0.');
  return Number(value);
}
