import { Command, Option } from 'commander';
import { Replay, type ReplayChange } from '../../analysis/replay.js';
import type { Query } from '../../audit/query/query.js';
import { printRows } from '../../report/rows.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import {
  concludeLog,
  filesOf,
  readVerdicts,
  withFilters,
  withLog,
  type LogFlags,
  type ScanTotals,
} from './log-options.js';
import { hasPolicies, readPolicies, withPolicies, type PolicyFlags } from './policy-options.js';
import { printable } from '../../report/audit-records.js';
import { snapshotsBeside } from '../../audit/reading/snapshots-beside-log.js';

const formats = ['text', 'json', 'yaml', 'csv', 'md'] as const;
type Format = (typeof formats)[number];

interface ReplayFlags extends LogFlags, PolicyFlags {
  readonly failOn: 'denied' | 'allowed' | 'any';
  readonly output?: readonly Output<Format>[];
}

const examples = `
Each flow is evaluated with the labels, namespace labels, ports and addresses that its pods had at that moment, in the
direction of its record. Only records of packets that passed can show what would be newly denied: without any, exit 3.

Examples:
  podwall audit replay --policies manifests/                    before they are applied: does it break anything?
  podwall audit replay --policies manifests/ --since 7d -n shop
  podwall audit replay --policies manifests/ --fail-on any -o md=comment.md`;

export function replayCommand(): Command {
  const { command, query } = withFilters(withPolicies(withLog(new Command('replay'))));
  return command
    .summary('evaluate recorded flows under other policies')
    .description('evaluate recorded flows under other policies: newly denied, newly allowed; exit 1 on a regression')
    .addOption(
      new Option('--fail-on <change>', 'what is a regression: newly denied flows, newly allowed ones, or either')
        .choices(['denied', 'allowed', 'any'])
        .default('denied'),
    )
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action((flags: ReplayFlags) => replay(flags, query));
}

async function replay(flags: ReplayFlags, query: Query): Promise<void> {
  if (!hasPolicies(flags)) throw new UsageError('replay needs --policies PATH, --kubeconfig or --context');
  const { policies, code } = await readPolicies(flags);
  const files = await filesOf(flags);
  const snapshots = snapshotsBeside(files);
  const replayed = new Replay(policies, (id) => snapshots.identity(id));
  const reading = await readVerdicts(files, query, (line) => {
    // Which flows a sum holds is not known.
    if (line.get('event.action') !== 'podwall-scan') replayed.add(line);
  });
  const changes = replayed.changes();
  await writeOutputs(flags.output, 'text', (format) => print(format, replayed, { changes, sums: reading.sums }));
  if (replayed.allows === 0)
    process.stderr.write(
      'podwall: the log has no record of a packet that passed: newly denied flows cannot be found\n',
    );
  process.exitCode = codeOf(flags, changes) || Math.max(code, concludeLog(reading, flags)) || nothing(replayed);
}

function codeOf({ failOn }: ReplayFlags, changes: readonly ReplayChange[]): number {
  const isRegression = ({ change }: ReplayChange): boolean =>
    failOn === 'any' || change === (failOn === 'denied' ? 'newly-denied' : 'newly-allowed');
  return changes.some(isRegression) ? exitCode.no : exitCode.done;
}

const nothing = ({ allows }: Replay): number => (allows === 0 ? exitCode.nothing : exitCode.done);

const head = ['change', 'from', 'to', 'port', 'direction', 'count', 'because'];

interface Found {
  readonly changes: readonly ReplayChange[];
  readonly sums: ScanTotals;
}

function print(format: Format, replayed: Replay, found: Found): Iterable<string> {
  const { changes } = found;
  if (format === 'json' || format === 'yaml') return [documentText(asDocument(replayed, found), format)];
  const rows = changes.map(({ change, from, to, port, direction, count, because }) =>
    [change, from, to, port, direction, String(count), because.join(', ') || 'no policy isolates'].map(printable),
  );
  if (format !== 'text') return printRows(head, rows, format);
  return [...(rows.length === 0 ? [] : [...printRows(head, rows, format), '\n']), totals(replayed, found)];
}

function totals({ allows, denials, unknown, notByPolicy }: Replay, { changes, sums }: Found): string {
  const count = (kind: ReplayChange['change']): number =>
    changes.filter(({ change }) => change === kind).reduce((sum, { records }) => sum + records, 0);
  const lines = [
    `of ${allows} records of packets that passed, ${count('newly-denied')} would be denied`,
    `of ${denials} records of denied packets, ${count('newly-allowed')} would pass`,
    ...(unknown === 0 ? [] : [`unknown: ${unknown} records whose pods' labels are no longer kept beside the log`]),
    ...(notByPolicy === 0 ? [] : [`${notByPolicy} records whose verdict does not come from a policy are left out`]),
    ...(sums.records === 0
      ? []
      : [`unknown: ${sums.packets} packets in ${sums.records} records of scans, which name no single flow`]),
  ];
  return `${lines.join('\n')}\n`;
}

const asDocument = ({ allows, denials, unknown, notByPolicy }: Replay, { changes, sums }: Found): object => ({
  kind: 'AuditReplay',
  schemaVersion: 1,
  evaluated: { allows, denials },
  unknown,
  notByPolicy,
  ...(sums.records === 0 ? {} : { scans: sums }),
  changes,
});
