import { Command } from 'commander';
import { LossTotals, type LossTotal } from '../../audit/query/losses.js';
import { printRows } from '../../report/rows.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { concludeLog, filesOf, readVerdicts, withLog, withTimes, type LogFlags } from './log-options.js';
import { printable } from '../../report/audit-records.js';

const formats = ['text', 'json', 'yaml', 'csv', 'md'] as const;

interface LossFlags extends LogFlags {
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
Causes:
  kernel-queue   the kernel had no room for what it logged: the agent was too slow
  rate-limit     a limit of the kernel was reached
  agg-map-full   more different flows at once than can be aggregated
  writer         the log could not be written, or not fast enough
  rotation       a file could not be rotated
  agent-down     no agent ran

Examples:
  podwall audit loss --since 1d
  podwall audit loss -o json`;

export function lossCommand(): Command {
  const { command, query } = withTimes(withLog(new Command('loss')));
  return command
    .summary('packets that the audit log reports as lost')
    .description('packets that the audit log reports as lost: how many, why and when')
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(async (flags: LossFlags) => {
      const reading = await readVerdicts(await filesOf(flags), query, () => undefined);
      const { losses } = reading;
      await writeOutputs(flags.output, 'text', (format) => {
        if (format === 'json' || format === 'yaml') return [documentText(asDocument(losses), format)];
        if (format === 'text' && losses.count === 0) return ['nothing was lost\n'];
        return printRows(head, losses.totals().map(rowOf), format);
      });
      process.exitCode = concludeLog({ ...reading, losses: new LossTotals() }, flags);
    });
}

const head = ['cause', 'node', 'direction', 'verdict', 'count', 'first', 'last', 'sender'];

const rowOf = ({
  cause,
  node,
  direction = '-',
  verdict = '-',
  sender = '-',
  count,
  first,
  last,
}: LossTotal): readonly string[] =>
  [cause, node, direction, verdict, String(count), first, last, sender].map(printable);

const asDocument = (losses: LossTotals): object => ({
  kind: 'AuditLosses',
  schemaVersion: 1,
  count: losses.count,
  losses: losses.totals(),
});
