import { Command } from 'commander';
import { version } from './common/version.js';

const program: Command = new Command('podwall')
  .description('Kubernetes NetworkPolicy: enforced with nftables on every node, and explained, tested and audited')
  .version(version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });

/** In the order of the help. Each is loaded when it is used: loading all of them takes longer than most of them run. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  agent: async () => (await import('./agent/agent.js')).agentCommand(),
  audit: async () => (await import('./audit/audit.js')).auditCommand(),
  can: async () => (await import('./policy/can.js')).canCommand(),
  completion: async () => (await import('./completion/completion.js')).completionCommand(() => program),
  diff: async () => (await import('./policy/diff.js')).diffCommand(),
  explain: async () => (await import('./policy/explain.js')).explainCommand(),
  lint: async () => (await import('./policy/lint.js')).lintCommand(),
  reach: async () => (await import('./policy/reach.js')).reachCommand(),
  render: async () => (await import('./policy/render.js')).renderCommand(),
  status: async () => (await import('./agent/status.js')).statusCommand(),
  test: async () => (await import('./policy/test.js')).testCommand(),
  uninstall: async () => (await import('./agent/uninstall.js')).uninstallCommand(),
};

/** Completion, help and the message for an unknown command need every command. */
function namesToLoad(word: string | undefined): readonly string[] {
  if (word === '--version' || word === '-V') return [];
  return word !== undefined && word !== 'completion' && Object.hasOwn(commands, word) ? [word] : Object.keys(commands);
}

// The reader of our output may close it early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  for (const name of namesToLoad(process.argv[2])) {
    const command = await commands[name]?.();
    if (command !== undefined) program.addCommand(command.exitOverride());
  }
  await program.parseAsync();
} catch (error) {
  process.exitCode = await report(error);
}

async function report(error: unknown): Promise<number> {
  const { explainFailure, exitCode } = await import('./common/exit-codes.js');
  const commanderCode = (error as { code?: unknown } | undefined)?.code;
  if (typeof commanderCode === 'string' && commanderCode.startsWith('commander.'))
    return (error as { exitCode: number }).exitCode === 0 ? exitCode.done : exitCode.usage;
  if (error instanceof Error && error.name === 'AbortError') return exitCode.done;
  const failure = explainFailure(error);
  if (failure === undefined) throw error;
  process.stderr.write(`podwall: ${failure.message}\n`);
  return failure.code;
}
