import { Command, Option } from 'commander';
import { followLogs } from '../../audit/reading/follow.js';
import { isLiveFile, isScanFile } from '../../audit/reading/rotated-file-names.js';
import type { LineReader } from '../../audit/reading/line-reader.js';
import type { Query } from '../../audit/query/query.js';
import { recordLine } from '../../audit/record.js';
import { UsageError } from '../common/exit-codes.js';
import { outputOption, screenPaint, streamOutput, type Output } from '../common/outputs.js';
import {
  concludeLog,
  filesOf,
  readingOf,
  withFilters,
  wholeNumber,
  timeOption,
  withLog,
  type LogFlags,
  type LogReading,
  type TimeFlags,
} from './log-options.js';
import { recordText, type Look } from '../../report/audit-records.js';
import { momentText } from '../../report/moments.js';
import { plain } from '../../report/paint.js';

const formats = ['text', 'json'] as const;
type Format = (typeof formats)[number];

interface ShowFlags extends LogFlags, TimeFlags {
  readonly follow: boolean;
  readonly first?: number;
  readonly last?: number;
  readonly output?: readonly Output<Format>[];
}

const examples = `
Examples:
  podwall audit show -f --verdict deny                    denials as they happen
  podwall audit show --to-workload db/postgres --since 1h
  podwall audit show -n shop --not --port 53 -o json      one record per line
  zcat old.gz | podwall audit show --log - --last 20`;

export function showCommand(): Command {
  const { command, query } = withFilters(withLog(new Command('show')));
  return command
    .description('records of the audit log, one per line')
    .option('-f, --follow', 'keep reading as the log grows, also after rotations', false)
    .addOption(
      new Option('--first <number>', 'print only the first records, this many')
        .argParser(wholeNumber)
        .conflicts('last'),
    )
    .addOption(new Option('--last <number>', 'print only the last records, this many').argParser(wholeNumber))
    .addOption(timeOption())
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action((flags: ShowFlags) => show(flags, query));
}

async function show(flags: ShowFlags, query: Query): Promise<void> {
  const [output = { format: 'text' as const }, ...more]: readonly Output<Format>[] = flags.output ?? [];
  if (more.length > 0) throw new UsageError('show prints one output: the log is read once');
  const paint = output.path === undefined ? screenPaint() : plain;
  const lines = new ShownLines(output.format, {
    ...flags,
    look: { paint, moment: momentText(flags.time, Date.now()) },
  });
  const take = (line: LineReader): boolean => lines.take(line);
  // A filter about verdicts leaves losses out; one sentence at the end still reports them.
  const reading = readingOf(query, take, query.isAboutVerdicts ? undefined : take);
  await streamOutput(output.path, pieces(reading, lines, flags));
  process.exitCode = concludeLog(reading, flags);
}

/** Lines that wait to be printed. */
class ShownLines {
  readonly #format: Format;
  readonly #limits: Pick<ShowFlags, 'first' | 'last'>;
  readonly #look: Look;
  #lines: string[] = [];
  #taken = 0;
  /** Until then only the last few are kept. */
  #isPast = true;

  constructor(format: Format, { look, ...limits }: Pick<ShowFlags, 'first' | 'last'> & { readonly look: Look }) {
    this.#format = format;
    this.#look = look;
    this.#limits = limits;
  }

  /** False when it was the last one asked for. */
  take(line: LineReader): boolean {
    const record = line.record();
    this.#lines.push(this.#format === 'json' ? recordLine(record) : `${recordText(record, this.#look)}\n`);
    this.#taken += 1;
    return this.#taken !== this.#limits.first;
  }

  /** What can be printed now. */
  flush(): string {
    const { last } = this.#limits;
    if (last !== undefined && this.#isPast) {
      this.#lines = this.#lines.slice(-last);
      return '';
    }
    return this.#lines.splice(0).join('');
  }

  /** Everything that was there is read. */
  endPast(): string {
    this.flush();
    this.#isPast = false;
    return this.flush();
  }
}

async function* pieces({ scan }: LogReading, lines: ShownLines, flags: ShowFlags): AsyncGenerator<string> {
  const { paths, sources } = await filesOf(flags);
  const live = flags.follow ? liveOf(paths) : [];
  for await (const step of scan.steps(sources.filter(({ name }) => !live.includes(name)))) {
    yield lines.flush();
    if (step === 'enough') return;
  }
  if (!flags.follow) yield lines.endPast();
  else
    for await (const { path, batch } of followLogs(live, interrupted())) {
      const goesOn = scan.takeBatch(path, batch);
      yield batch.text === '' ? lines.endPast() : lines.flush();
      if (!goesOn) return;
    }
}

/** One log, and its file of scans. */
function liveOf(paths: readonly string[]): readonly string[] {
  const live = paths.filter(isLiveFile);
  const logs = live.filter((path) => live.length === 1 || !isScanFile(path));
  if (logs.length !== 1)
    throw new UsageError(`-f follows one log, and --log names ${logs.length === 0 ? 'none' : logs.length}`);
  return live;
}

/** Ends the following, so that the summary of the log is still printed. */
function interrupted(): AbortSignal {
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort());
  return ending.signal;
}
