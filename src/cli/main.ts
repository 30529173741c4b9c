import { Command } from 'commander';
import { agentCommand } from './agent.js';
import { auditCommand } from './audit/audit.js';
import { explainFailure, exitCode } from './exit-codes.js';
import { canCommand } from './can.js';
import { completionCommand } from './completion/completion.js';
import { diffCommand } from './diff.js';
import { explainCommand } from './explain.js';
import { lintCommand } from './lint.js';
import { reachCommand } from './reach.js';
import { renderCommand } from './render.js';
import { statusCommand } from './status.js';
import { testCommand } from './test.js';
import { uninstallCommand } from './uninstall.js';
import { version } from './version.js';

const program: Command = new Command('podwall')
  .description('Kubernetes NetworkPolicy, enforced in nftables on every pod')
  .version(version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });
for (const command of [
  agentCommand(),
  auditCommand(),
  canCommand(),
  completionCommand(() => program),
  diffCommand(),
  explainCommand(),
  lintCommand(),
  reachCommand(),
  renderCommand(),
  statusCommand(),
  testCommand(),
  uninstallCommand(),
])
  program.addCommand(command.exitOverride());

// Who reads our output may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  const commanderCode = (error as { code?: unknown } | undefined)?.code;
  if (typeof commanderCode === 'string' && commanderCode.startsWith('commander.'))
    return (error as { exitCode: number }).exitCode === 0 ? exitCode.done : exitCode.usage;
  if (error instanceof Error && error.name === 'AbortError') return exitCode.done;
  const failure = explainFailure(error);
  if (failure === undefined) throw error;
  process.stderr.write(`podwall: ${failure.message}\n`);
  return failure.code;
}
