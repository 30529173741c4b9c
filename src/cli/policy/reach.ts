import { Command } from 'commander';
import type { CompiledInput } from '../../analysis/compiled-input.js';
import { exposure } from '../../analysis/exposure.js';
import type { EndpointFilter } from '../../analysis/listed-endpoints.js';
import { Reach } from '../../analysis/reachability.js';
import { impliedNamespaceWarnings, partialBlockWarnings } from '../../analysis/warnings.js';
import type { GroupedReachability, Reachability } from '../../model/reachability.js';
import { pairFormats, printPairs } from '../../report/reachability.js';
import { printReachabilityPage } from '../../report/reachability-page.js';
import { printGroups, printPairTable } from '../../report/reachability-text.js';
import { compiled, conclude, withInputs, type AnalysisFlags, withPaths } from './analysis-options.js';
import { EndpointNames } from '../../analysis/endpoint-names.js';
import { UsageError } from '../common/exit-codes.js';
import { filterOf } from '../../analysis/endpoint-filters.js';
import { readInputs } from './inputs.js';
import { repeatable } from '../common/options.js';
import { outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { pairsWithProgress } from '../common/progress.js';

const formats = ['text', ...pairFormats, 'html'] as const;
type Format = (typeof formats)[number];

interface ReachFlags extends AnalysisFlags {
  readonly self: boolean;
  readonly pairs: boolean;
  readonly exposure: boolean;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly output?: readonly Output<Format>[];
}

const examples = `
Examples:
  podwall reach -f manifests/                                who may reach whom, in groups
  podwall reach -f manifests/ --pairs --to db.shop           who may reach the database, one line each
  podwall reach -f manifests/ --to svc/api.shop:80           the pods of a Service, at its target port
  podwall reach -f manifests/ --from ns/shop --to internet   what a namespace may reach on the internet
  podwall reach -f manifests/ --exposure                     what an unknown pod or the internet may reach
  helm template . | podwall reach -f - -o json               for programs
  podwall reach -f manifests/ -o text -o html=reach.html     a page with a matrix, too
  podwall reach --context production -o md                   a live cluster`;

export const reachCommand = (): Command =>
  withInputs(new Command('reach'))
    .description('who may open connections to whom, on which ports')
    .option('--pairs', 'text output: one line for each pair', false)
    .option('--self', 'also connections between the pods of one workload', false)
    .option(
      '--from <endpoint>',
      'only from these: an endpoint of `can`, ns/NAME, labels (a=b), an IP (repeatable)',
      repeatable,
      [],
    )
    .option('--to <endpoint>', 'only to these, and svc/NAME.NAMESPACE:PORT (repeatable)', repeatable, [])
    .option('--exposure', 'what an unknown pod and the internet may reach (with --to: only these destinations)', false)
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .argument('[path...]', 'manifests, as -f takes them')
    .action(async (paths: readonly string[], given: ReachFlags) => {
      const flags = withPaths(given, paths);
      const inputs = await readInputs(flags);
      const input = compiled(inputs, flags);
      const shown = flags.exposure ? exposed(input, flags) : withPairProgress(reached(input, flags), flags);
      await writeOutputs(flags.output, 'text', (format) => print(format, flags.pairs, shown));
      process.exitCode = conclude(inputs, flags, input.workloads.length === 0);
    });

interface Shown {
  readonly found: Reachability;
  /** Including those that the filters leave out. */
  readonly everyone: Reachability['endpoints'];
  readonly grouped: () => GroupedReachability;
  /** No filter leaves anything out. */
  readonly isWhole: boolean;
}

function reached(input: CompiledInput, flags: ReachFlags): Shown {
  const { workloads, program, blocks } = input;
  const filters = { ...filterFor(input, flags, 'from'), ...filterFor(input, flags, 'to') };
  const reach = new Reach(workloads, program, { ...blocks, ...filters, self: flags.self });
  const { endpoints, connections } = reach;
  const everyone = reach.listed.map(({ endpoint }) => endpoint);
  const isWhole = flags.from.length + flags.to.length === 0;
  const found = { endpoints, connections, warnings: warningsFor(input) };
  return { found, everyone, grouped: () => reach.grouped(), isWhole };
}

/** Not when the pairs themselves are printed to the terminal. */
function withPairProgress(shown: Shown, { output }: ReachFlags): Shown {
  const isOnTerminal = process.stdout.isTTY && (output ?? [{}]).some((one) => !('path' in one));
  if (isOnTerminal) return shown;
  return { ...shown, found: { ...shown.found, connections: pairsWithProgress(shown.found) } };
}

function filterFor(
  input: CompiledInput,
  flags: ReachFlags,
  side: 'from' | 'to',
): { readonly from?: EndpointFilter; readonly to?: EndpointFilter } {
  if (flags[side].length === 0) return {};
  const names = new EndpointNames(input, flags.namespace);
  const filter = filterOf(flags[side], names, new Set(input.objects.namespaces.map(({ name }) => name)));
  return filter === undefined ? {} : { [side]: filter };
}

function exposed(input: CompiledInput, flags: ReachFlags): Shown {
  if (flags.from.length > 0 || flags.self)
    throw new UsageError(
      '--exposure is about unknown pods and the internet as sources: use --to, not --from or --self',
    );
  const options = { ...input.blocks, ...filterFor(input, flags, 'to') };
  const { endpoints, connections } = exposure(input.workloads, input.objects, options);
  const ids = endpoints.map(({ id }) => id);
  const grouped = {
    groups: ids.map((id) => [id]),
    destinations: [...endpoints.keys()].filter((index) => endpoints[index]?.kind === 'workload'),
    connections: connections.map(({ from, to, ...one }) => ({ ...one, from: ids.indexOf(from), to: ids.indexOf(to) })),
  };
  const found = { endpoints, connections, warnings: warningsFor(input) };
  return { found, everyone: endpoints, grouped: () => grouped, isWhole: flags.to.length === 0 };
}

const warningsFor = ({ objects, workloads, program, blocks }: CompiledInput): readonly string[] => [
  ...impliedNamespaceWarnings(objects.policies, objects.implied),
  ...partialBlockWarnings(program, workloads, blocks),
];

function print(format: Format, pairs: boolean, { found, everyone, grouped, isWhole }: Shown): Iterable<string> {
  if (format === 'html') return printReachabilityPage(found);
  if (format !== 'text') return printPairs(found, format);
  if (pairs) return printPairTable(found);
  return printGroups(grouped(), { endpoints: everyone, warnings: found.warnings, isWhole });
}
