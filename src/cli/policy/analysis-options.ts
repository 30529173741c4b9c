/** The options of every command that answers from files or a live cluster. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BlockReading } from '../../evaluation/blocks.js';
import { compileInput, type CompiledInput } from '../../analysis/compiled-input.js';
import { parseCidr, type Cidr } from '../../model/address.js';
import { dryRunPolicies } from '../../model/policy-mode.js';
import { policyKey } from '../../model/policy.js';
import { wellKnownWorkloads } from '../../manifests/well-known-workloads.js';
import { refuseRenamed } from '../common/renamed.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import type { ManifestObjects } from '../../manifests/manifest-collector.js';
import type { InputFlags } from './inputs.js';
import { repeatable, SuggestedOption } from '../common/options.js';

export interface AnalysisFlags extends InputFlags {
  readonly namespace?: string;
  readonly ipBlocks: BlockReading;
  readonly podCidr: readonly Cidr[];
  readonly includeDryRun: boolean;
  readonly allowPartial: boolean;
}

/** Where manifests come from. */
export const withFiles = (command: Command): Command =>
  command
    .option('-f, --file <path>', 'manifests: file, directory, or - for stdin (repeatable)', repeatable, [])
    .option(
      '-k, --kustomize <directory>',
      'a kustomization, built by kustomize or kubectl (repeatable)',
      repeatable,
      [],
    )
    .option('--kubeconfig <file>', 'read the live cluster of this kubeconfig')
    .option('--context <name>', 'read the live cluster of this context')
    .option('-n, --namespace <name>', 'namespace of names, and of manifests, without one')
    .option('-A, --all-namespaces', 'accepted as in kubectl; all namespaces are always read')
    .option('--verbose', 'name each file that holds no Kubernetes object', false)
    .option('--allow-partial', 'ignore what cannot be read in the exit code', false);

/** Paths may be given without -f. */
export const withPaths = <T extends Pick<InputFlags, 'file'>>(flags: T, paths: readonly string[]): T => ({
  ...flags,
  file: [...flags.file, ...paths],
});

/** Well-known workloads beside the manifests. */
export const withWellKnown = (command: Command): Command =>
  command.addOption(
    new SuggestedOption(
      '--assume <names>',
      `well-known workloads that the input does not contain: ${wellKnownWorkloads.join(',')}`,
      wellKnownWorkloads,
    )
      .argParser(commaSeparated)
      .default([]),
  );

export const withInputs = (command: Command): Command =>
  refuseRenamed(withWellKnown(withFiles(command)), { 'with-audited': '--include-dry-run' })
    .addOption(
      new Option(
        '--ip-blocks <reading>',
        'whether ipBlocks also match pods (cluster) or only addresses outside (external)',
      )
        .choices(['cluster', 'external'])
        .default('cluster'),
    )
    .option('--include-dry-run', 'policies in a dry run count as enforced', false)
    .option('--pod-cidr <cidr>', 'CIDR of pods that have no address yet (repeatable)', repeatableCidr, []);

const commaSeparated = (value: string, before: readonly string[]): readonly string[] => [
  ...before,
  ...value.split(',').filter((one) => one !== ''),
];

const repeatableCidr = (value: string, before: readonly Cidr[]): readonly Cidr[] => {
  const cidr = parseCidr(value);
  if (cidr === undefined) throw new InvalidArgumentError(`${value} is not a CIDR.`);
  return [...before, cidr];
};

export const compiled = (
  inputs: ManifestObjects,
  { ipBlocks, podCidr, includeDryRun }: Pick<AnalysisFlags, 'ipBlocks' | 'podCidr' | 'includeDryRun'>,
): CompiledInput => compileInput(inputs, { ipBlocks, podCidrs: podCidr, includeDryRun });

/** Prints what was left out, and returns what that means for the exit code. */
export function conclude(
  inputs: ManifestObjects,
  { allowPartial, includeDryRun }: Pick<AnalysisFlags, 'allowPartial'> & Partial<Pick<AnalysisFlags, 'includeDryRun'>>,
  nothing: boolean,
): number {
  const inDryRun = includeDryRun === false ? dryRunPolicies(inputs).map(({ ref }) => policyKey(ref)) : [];
  if (inDryRun.length > 0)
    process.stderr.write(
      `podwall: in a dry run, so not counted: ${inDryRun.sort().join(', ')} (--include-dry-run counts them)\n`,
    );
  for (const line of [...inputs.unparsed, ...inputs.unbuilt, ...inputs.skipped, ...inputs.problems])
    process.stderr.write(`podwall: ${line}\n`);
  const read = inputs.policies.length + inputs.pods.length + inputs.namespaces.length;
  const { unparsed, unbuilt } = inputs;
  if (unparsed.length > 0 && unbuilt.length + read === 0) throw new UsageError('nothing of the input could be read');
  if (unparsed.length + unbuilt.length > 0 && !allowPartial) return exitCode.partial;
  return nothing ? exitCode.nothing : exitCode.done;
}
