import { Command } from 'commander';
import { readManifests } from '../../cluster/directory.js';
import { compile } from '../../compiler/compiler.js';
import { render } from '../../nftables/render/renderer.js';
import { printRuleset } from '../../nftables/render/ruleset-text.js';
import { printProgram } from '../../program/print.js';
import { exitCode } from '../common/exit-codes.js';
import { defaultNode, establishedOption, repeatable, warnOf } from '../common/options.js';

interface RenderFlags {
  readonly file: readonly string[];
  readonly node: string;
  readonly established: 'reevaluate' | 'keep';
  readonly program: boolean;
}

const examples = `
Examples:
  podwall render -f policies-examples/ --node n1
  podwall render -f policies-examples/ --node n1 | nft --check -f -
  podwall render -f policies-examples/ --node n1 --program      who is isolated, and what is allowed`;

export const renderCommand = (): Command =>
  new Command('render')
    .description('print the ruleset of a node as nft text, without touching the kernel; `nft -f` loads it')
    .requiredOption('-f, --file <path>', 'manifests: a file or a directory (repeatable)', repeatable, [])
    .option('--node <name>', 'the node to render for', defaultNode())
    .addOption(establishedOption())
    .option('--program', 'print the compiled program instead: who is isolated, and what is allowed', false)
    .addHelpText('after', examples)
    .action(async (flags: RenderFlags) => {
      const { snapshot, problems } = await readManifests(flags.file);
      for (const problem of problems) process.stderr.write(`podwall: ${warnOf(problem)}\n`);
      const program = compile(snapshot, { scope: { node: flags.node } });
      process.stdout.write(
        flags.program ? printProgram(program) : printRuleset(render(program, { established: flags.established })),
      );
      if (program.endpoints.size > 0) return;
      process.stderr.write(`podwall: no pod of ${flags.file.join(', ')} is on node ${flags.node}\n`);
      process.exitCode = exitCode.nothing;
    });
