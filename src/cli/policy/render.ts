import { Command } from 'commander';
import { readManifests } from '../../cluster/directory.js';
import { Compiler } from '../../compiler/compiler.js';
import { changesFrom, type ClusterSnapshot } from '../../model/cluster.js';
import { render } from '../../nftables/render/renderer.js';
import { printRuleset } from '../../nftables/render/ruleset-text.js';
import { printProgram } from '../../program/print.js';
import type { PolicyProgram } from '../../program/types.js';
import { PolicyLimits } from '../../reconciler/policy-limits.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import { rotationOptions } from '../agent/audit-options.js';
import {
  compilerOptions,
  policyLimitOptions,
  renderOptions,
  withoutEffect,
  withRulesetOptions,
  type RulesetFlags,
} from '../agent/ruleset-options.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { withPaths } from './analysis-options.js';
import { repeatable, warnOf } from '../common/options.js';

interface RenderFlags extends RulesetFlags {
  readonly file: readonly string[];
  readonly program: boolean;
}

const examples = `
With the flags of an agent it is the agent's ruleset, but for the guards of pods' devices: only the node knows those.

Examples:
  podwall render -f policies-examples/ --node n1
  podwall render -f policies-examples/ --node n1 | nft --check -f -
  podwall render -f policies-examples/ --node n1 --mode dry-run --audit-log /var/log/podwall/audit.jsonl
  podwall render -f policies-examples/ --node n1 --program      who is isolated, and what is allowed`;

export function renderCommand(): Command {
  const command = withRulesetOptions(
    new Command('render')
      .summary('the ruleset of a node as nft text')
      .description('print the ruleset of a node as nft text, without touching the kernel; `nft -f` loads it')
      .argument('[path...]', 'manifests, as -f takes them')
      .option('-f, --file <path>', 'manifests: a file or a directory (repeatable)', repeatable, [])
      .option('--program', 'print the compiled program instead: who is isolated, and what is allowed', false),
  );
  // Accepted, so that an agent's flags can be given as they are; they say nothing of the ruleset.
  for (const option of rotationOptions()) command.addOption(option.hideHelp());
  return command.addHelpText('after', examples).action(run);
}

async function run(paths: readonly string[], given: RenderFlags): Promise<void> {
  const flags = withPaths(given, paths);
  if (flags.file.length === 0) throw new UsageError('nothing to read: give -f FILE or -f DIR');
  const forRenderer = renderOptions(flags);
  const { snapshot, problems } = await readManifests(flags.file);
  for (const problem of problems) warn(warnOf(problem));
  for (const text of withoutEffect(flags, snapshot)) warn(text);
  const program = compiled(snapshot, flags);
  process.stdout.write(flags.program ? printProgram(program) : printRuleset(render(program, forRenderer)));
  if (program.endpoints.size > 0) return;
  warn(`no pod of ${flags.file.join(', ')} is on node ${flags.node}`);
  process.exitCode = exitCode.nothing;
}

/** As the agent compiles it: what is over a limit may fail closed. */
function compiled(snapshot: ClusterSnapshot, flags: RulesetFlags): PolicyProgram {
  const limits = new PolicyLimits(silent, policyLimitOptions(flags));
  const compiler = new Compiler(compilerOptions(flags));
  limits.endpointsChanged(compiler.apply(limits.apply(changesFrom(snapshot))).endpoints);
  for (const { of, namespace, name, message, refused } of limits.over())
    warn(
      `${of} ${of === 'namespace' ? name : `${namespace}/${name}`}: ${message}${refused ? ': it fails closed' : ''}`,
    );
  return compiler.program();
}

/** What is over a limit is printed in full, once. */
const silent: ReconcilerLog = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {}

const warn = (text: string): void => void process.stderr.write(`podwall: ${text}\n`);
