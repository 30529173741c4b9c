import { Command, Option } from 'commander';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reach } from '../../analysis/reachability.js';
import { diffReachability, type ReachabilitySnapshot } from '../../analysis/reach-diff.js';
import { checkOutRevision } from '../../cluster/git-revision.js';
import type { ReachabilityDiff } from '../../model/reachability-diff.js';
import type { Paint } from '../../report/paint.js';
import { printDiffCsv, printDiffMarkdown, printDiffText } from '../../report/diff.js';
import { compiled, conclude, withInputs, type AnalysisFlags } from './analysis-options.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { readInputs } from './inputs.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { pairsWithProgress } from '../common/progress.js';

const formats = ['text', 'json', 'yaml', 'md', 'csv'] as const;
type Format = (typeof formats)[number];

interface DiffFlags extends AnalysisFlags {
  readonly git?: string;
  readonly failOn?: 'added' | 'removed' | 'any';
  readonly output?: readonly Output<Format>[];
}

const examples = `
Examples:
  podwall diff old/ new/                              which connections are new or gone, and which policies changed
  podwall diff --git main..HEAD manifests/            what a branch changes
  podwall diff live manifests/ --context production   what applying these files would change
  podwall diff --git main..HEAD manifests/ --fail-on added -o md=comment.md`;

export const diffCommand = (): Command =>
  withInputs(new Command('diff'))
    .summary('what a change of policies opens and closes')
    .description('compare policies and reachability before and after; exit 0, unless --fail-on says otherwise')
    .argument('<paths...>', 'A and B: files, directories, or `live`; with --git one path inside the repository')
    .option('--git <range>', 'compare two revisions of a path: REV..REV, or REV with what is checked out')
    .addOption(
      new Option(
        '--fail-on <change>',
        'exit 1 when connections gain ports (added), lose ports (removed), or either (any)',
      ).choices(['added', 'removed', 'any']),
    )
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(run);

async function run(paths: readonly string[], flags: DiffFlags): Promise<void> {
  if (flags.file.length + (flags.kustomize ?? []).length > 0)
    throw new UsageError('diff compares its two arguments: give no -f and no -k');
  const folder = await mkdtemp(join(tmpdir(), 'podwall-diff-'));
  try {
    const [before, after] = await pathsOf(paths, flags, folder);
    const old = await readSide(before, flags);
    const now = await readSide(after, flags);
    const diff = diffReachability(old.side, now.side, flags.includeDryRun ? 'none' : 'annotated');
    await writeOutputs(flags.output, 'text', (format, paint) => print(format, diff, paint));
    process.exitCode = codeOf(diff, [old.code, now.code], flags);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The two paths to read; revisions of git are put into `folder`. */
async function pathsOf(
  paths: readonly string[],
  { git }: DiffFlags,
  folder: string,
): Promise<readonly [string, string]> {
  if (git === undefined) {
    const [before, after, ...more] = paths;
    if (before === undefined || after === undefined || more.length > 0)
      throw new UsageError('diff needs two of: a file, a directory, live; or --git REV..REV PATH');
    return [before, after];
  }
  const [path, ...more] = paths;
  if (path === undefined || more.length > 0) throw new UsageError('--git compares two revisions of one path');
  const [from = '', to] = git.split('..');
  const before = await checkOutRevision(from, path, join(folder, 'before'));
  return [before, to === undefined || to === '' ? path : await checkOutRevision(to, path, join(folder, 'after'))];
}

async function readSide(place: string, flags: DiffFlags): Promise<{ side: ReachabilitySnapshot; code: number }> {
  const { kubeconfig, context, ...files } = flags;
  if (place === 'live' && kubeconfig === undefined && context === undefined)
    throw new UsageError('live needs --kubeconfig or --context');
  const inputs = await readInputs(place === 'live' ? flags : { ...files, file: [place] });
  const input = compiled(inputs, flags);
  const { workloads, program, blocks } = input;
  const reach = new Reach(workloads, program, { ...blocks, self: false });
  return {
    side: { input, endpoints: reach.endpoints, connections: pairsWithProgress(reach) },
    code: conclude(inputs, flags, workloads.length === 0),
  };
}

function print(format: Format, diff: ReachabilityDiff, paint: Paint): Iterable<string> {
  if (format === 'text') return printDiffText(diff, paint);
  if (format === 'md') return printDiffMarkdown(diff);
  if (format === 'csv') return printDiffCsv(diff);
  return [documentText({ kind: 'ReachabilityDiff', schemaVersion: 1, ...diff }, format)];
}

/** The first that applies of 4, 1, 3, 0; when only one of the two is empty, the other is the difference. */
function codeOf({ connections }: ReachabilityDiff, codes: readonly number[], { failOn }: DiffFlags): number {
  if (codes.includes(exitCode.partial)) return exitCode.partial;
  const fails = connections.some(
    ({ added, removed }) => (failOn !== 'removed' && added.length > 0) || (failOn !== 'added' && removed.length > 0),
  );
  if (failOn !== undefined && fails) return exitCode.no;
  return codes.every((code) => code === exitCode.nothing) ? exitCode.nothing : exitCode.done;
}
