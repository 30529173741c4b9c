import { Command } from 'commander';
import { LossTotals } from '../../audit/query/losses.js';
import { Sequences, type Run } from '../../audit/query/sequences.js';
import { Scan, type MalformedLineReport } from '../../audit/reading/scan.js';
import { isLoss } from '../../audit/record.js';
import { exitCode } from '../common/exit-codes.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { filesOf, withLog, type LogFlags } from './log-options.js';
import { sourcesWithProgress } from './log-progress.js';
import { printable } from '../../report/audit-records.js';

const formats = ['text', 'json', 'yaml'] as const;

interface VerifyFlags extends LogFlags {
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
Each run of the agent numbers its lines from 1, so that a missing line leaves a gap. Lines before the first one of a node's
earliest run may have been removed with their file, and are not a gap. Losses that the log itself reports are no gap either.

Examples:
  podwall audit verify
  podwall audit verify --log 'nodes/*/audit*.jsonl*' -o json`;

export const verifyCommand = (): Command =>
  withLog(new Command('verify'))
    .summary('check that the audit log is complete')
    .description(
      'check that the audit log is complete: every line matches the schema, and none is missing; exit 1 if not',
    )
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(async (flags: VerifyFlags) => {
      const found = await verify(flags);
      await writeOutputs(flags.output, 'text', (format) =>
        format === 'text' ? textOf(found) : [documentText(asDocument(found), format)],
      );
      process.exitCode = found.records + found.malformedLines === 0 ? exitCode.nothing : codeOf(found, flags);
    });

interface Verified {
  readonly records: number;
  readonly malformedLines: number;
  readonly malformed: readonly MalformedLineReport[];
  readonly unread: Scan['unread'];
  readonly wrongRecords: number;
  /** The first few. */
  readonly wrong: readonly MalformedLineReport[];
  readonly runs: readonly Run[];
  readonly losses: LossTotals;
}

const mostKept = 5;

async function verify(flags: VerifyFlags): Promise<Verified> {
  // Loaded here: the validator is as large as the rest of the command.
  const { schemaChecker } = await import('../../audit/record-schema.js');
  const check = schemaChecker();
  const [sequences, losses, wrong] = [new Sequences(), new LossTotals(), new Array<MalformedLineReport>()];
  let wrongRecords = 0;
  const scan = new Scan((line, place) => {
    const record = line.record();
    const [message] = check(record);
    if (message !== undefined) {
      wrongRecords += 1;
      if (wrong.length < mostKept) wrong.push({ ...place, message });
    }
    sequences.add(record);
    if (isLoss(record)) losses.add(record);
    return true;
  });
  await scan.read(await sourcesWithProgress(await filesOf(flags)));
  const { records, malformedLines, malformed, unread } = scan;
  return { records, malformedLines, malformed, unread, wrongRecords, wrong, runs: sequences.runs(), losses };
}

const isBroken = ({ gaps, missingBefore, repeated }: Run): boolean => gaps.length + missingBefore + repeated > 0;

function codeOf({ malformedLines, wrongRecords, runs, unread }: Verified, { allowPartial }: LogFlags): number {
  if (malformedLines + wrongRecords > 0 || runs.some(isBroken)) return exitCode.no;
  return unread.length > 0 && !allowPartial ? exitCode.partial : exitCode.done;
}

function textOf(found: Verified): readonly string[] {
  const { records, malformedLines, malformed, unread, wrongRecords, wrong, runs, losses } = found;
  const places = (some: readonly MalformedLineReport[]): readonly string[] =>
    some.map(({ source, line, message }) => `  ${source}:${line}: ${message}`);
  const lines = [
    `${records} records of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} of the agent`,
    ...runs.flatMap(runLines),
    ...(malformedLines === 0 ? [] : [`${malformedLines} malformed lines`, ...places(malformed)]),
    ...(wrongRecords === 0 ? [] : [`${wrongRecords} records that do not match the schema`, ...places(wrong)]),
    ...unread.map(({ source, message }) => `not read completely: ${source}: ${message}`),
    losses.count === 0 ? 'the log reports no losses' : `the log reports ${losses.count} lost packets:`,
    ...losses.totals().map(({ cause, node, count }) => `  ${cause} on ${node}: ${count}`),
  ];
  return [`${lines.map(printable).join('\n')}\n`];
}

function runLines({ boot, node, start, end, first, last, gaps, missingBefore, repeated }: Run): readonly string[] {
  const lines = [`  ${node} ${boot}: lines ${first} to ${last}, ${start} to ${end}`];
  if (missingBefore > 0) lines.push(`    MISSING ${missingBefore}: 1 to ${missingBefore}`);
  const shown = gaps
    .slice(0, mostKept)
    .map((gap) => `    MISSING ${gap.last - gap.first + 1}: ${gap.first} to ${gap.last}`);
  lines.push(...shown);
  if (gaps.length > mostKept) lines.push(`    ${gaps.length - mostKept} more gaps`);
  if (repeated > 0) lines.push(`    ${repeated} lines appear twice`);
  return lines;
}

const asDocument = ({ losses, ...found }: Verified): object => ({
  kind: 'AuditVerification',
  schemaVersion: 1,
  whole: found.malformedLines + found.wrongRecords === 0 && !found.runs.some(isBroken),
  ...found,
  lost: losses.count,
  losses: losses.totals(),
});
