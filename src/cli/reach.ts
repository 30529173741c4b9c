import { Command, InvalidArgumentError, Option } from 'commander';
import type { BlockReading } from '../analysis/judge.js';
import { formatPorts } from '../analysis/port-sets.js';
import { compileWorkloads, reachability, type Connection, type Reachability } from '../analysis/reachability.js';
import { workloadsOf } from '../analysis/workloads.js';
import { parseCidr, type Cidr } from '../model/address.js';
import { formatTable } from '../report/table.js';
import { exitCode, UsageError } from './exit-codes.js';
import { readInputs, type Inputs } from './inputs.js';
import { repeatable } from './options.js';

export interface AnalysisFlags {
  readonly file: readonly string[];
  readonly namespace?: string;
  readonly ipBlocks: BlockReading;
  readonly podCidr: readonly Cidr[];
  readonly allowPartial: boolean;
}

interface ReachFlags extends AnalysisFlags {
  readonly self: boolean;
  readonly output: 'text' | 'json' | 'csv' | 'md';
}

/** The options of every command that answers from files. */
export const withInputs = (command: Command): Command =>
  command
    .option('-f, --file <path>', 'file, directory or - for stdin (repeatable)', repeatable, [])
    .option('-n, --namespace <name>', 'namespace of objects and names that have none')
    .addOption(
      new Option('--ip-blocks <reading>', 'are ipBlocks about pods too, or about addresses outside only')
        .choices(['cluster', 'external'])
        .default('cluster'),
    )
    .option('--pod-cidr <cidr>', 'where pods without an address get theirs (repeatable)', repeatableCidr, [])
    .option('--allow-partial', 'exit as if what cannot be read were not there', false);

const repeatableCidr = (value: string, before: readonly Cidr[]): readonly Cidr[] => {
  const cidr = parseCidr(value);
  if (cidr === undefined) throw new InvalidArgumentError(`${value} is not a CIDR.`);
  return [...before, cidr];
};

export const reachCommand = (): Command =>
  withInputs(new Command('reach'))
    .description('who may open connections to whom, on which ports')
    .option('--self', 'also what the pods of one workload may say to each other', false)
    .addOption(new Option('-o, --output <format>', 'format').choices(['text', 'json', 'csv', 'md']).default('text'))
    .addHelpText('after', '\nExamples:\n  podwall reach -f manifests/\n  helm template . | podwall reach -f - -o json')
    .action(async (flags: ReachFlags) => {
      const inputs = await readInputs(flags);
      const workloads = workloadsOf(inputs.pods, inputs.policies);
      const found = reachability(workloads, compileWorkloads(workloads, inputs), {
        ipBlocks: flags.ipBlocks,
        podCidrs: [...inputs.podCidrs, ...flags.podCidr],
        self: flags.self,
      });
      process.stdout.write(formats[flags.output](found));
      process.exitCode = conclude(inputs, flags, workloads.length === 0);
    });

/** Says what was left out, and how that bears on the exit code. */
export function conclude(inputs: Inputs, { allowPartial }: AnalysisFlags, nothing: boolean): number {
  for (const line of [...inputs.unparsed, ...inputs.skipped, ...inputs.problems])
    process.stderr.write(`podwall: ${line}\n`);
  const read = inputs.policies.length + inputs.pods.length + inputs.namespaces.length;
  if (inputs.unparsed.length > 0 && read === 0) throw new UsageError('nothing of the input could be read');
  if (inputs.unparsed.length > 0 && !allowPartial) return exitCode.partial;
  return nothing ? exitCode.nothing : exitCode.done;
}

const formats: Readonly<Record<ReachFlags['output'], (found: Reachability) => string>> = {
  json: (found) => `${JSON.stringify(asJson(found))}\n`,
  text: (found) => `${formatTable([['FROM', 'TO', 'ALLOWED'], ...rowsOf(found)])}\n`,
  csv: (found) =>
    [['from', 'to', 'allowed'], ...rowsOf(found)].map((row) => `${row.map(quoted).join(',')}\r\n`).join(''),
  md: (found) =>
    [['From', 'To', 'Allowed'], ['---', '---', '---'], ...rowsOf(found)]
      .map((row) => `| ${row.join(' | ')} |\n`)
      .join(''),
};

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

const rowsOf = ({ connections }: Reachability): string[][] =>
  connections.map(({ from, to, allowed, family, assumed }) => [
    from,
    to,
    `${formatPorts(allowed)}${family === undefined ? '' : ` (${family})`}${assumed ? ' (assumed)' : ''}`,
  ]);

const asJson = ({ workloads, external, connections }: Reachability) => ({
  kind: 'Reachability',
  schemaVersion: 1,
  endpoints: [
    ...workloads.map(({ id, namespace, kind, name, labels }) => ({
      id,
      kind: 'workload',
      namespace,
      workload: { kind, name },
      labels,
    })),
    ...external.map(({ id, first, last }) => ({ id, kind: 'external', first, last })),
  ].sort((a, b) => (a.id < b.id ? -1 : 1)),
  connections: connections.map(asJsonConnection),
});

const asJsonConnection = ({ from, to, allowed, family, assumed }: Connection) => ({
  from,
  to,
  ...(family === undefined ? {} : { family }),
  allowed,
  ...(assumed ? { assumed: true } : {}),
});
