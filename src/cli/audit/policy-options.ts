/** Policies that recorded flows are held to. */
import type { Command } from 'commander';
import { policyPositions } from '../../manifests/manifest-collector.js';
import type { ManifestObjects } from '../../manifests/manifest-collector.js';
import { conclude } from '../policy/analysis-options.js';
import type { PolicyPositions } from '../../report/explanations.js';
import { isLive, readInputs } from '../policy/inputs.js';
import { choiceOf, repeatable } from '../common/options.js';

export interface PolicyFlags {
  readonly policies: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly allowPartial: boolean;
}

export const withPolicies = (command: Command): Command =>
  command
    .option('--policies <path>', 'manifests: file or directory (repeatable)', repeatable, [])
    .option('--kubeconfig <file>', 'the policies of the live cluster of this kubeconfig')
    .option('--context <name>', 'the policies of the live cluster of this context');

export const hasPolicies = (flags: PolicyFlags): boolean => flags.policies.length > 0 || isLive(flags);

interface GivenPolicies {
  readonly policies: ManifestObjects['policies'];
  readonly positions: PolicyPositions;
  /** How what could not be read bears on the exit code. */
  readonly code: number;
}

/** @throws InputError as `readInputs` does */
export async function readPolicies(flags: PolicyFlags): Promise<GivenPolicies> {
  const { policies: file, allowPartial } = flags;
  const inputs = await readInputs({ file, ...choiceOf(flags) });
  return {
    policies: inputs.policies,
    positions: policyPositions(inputs),
    code: conclude(inputs, { allowPartial }, false),
  };
}
