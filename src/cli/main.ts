import { Command } from 'commander';
import { withHelp } from './common/help.js';
import { version } from './common/version.js';

const help = `
Examples:
  podwall lint manifests/                               mistakes in policies, and how they are mended
  podwall can web.shop db.shop 5432 -f manifests/       may it connect?
  podwall explain web.shop db.shop 5432 -f manifests/   why, or why not, and the smallest edit that allows it
  podwall audit denied --since 1h                       on a node: who was denied what

Exit codes: 0 done; 1 the answer is no; 2 usage or input; 3 nothing to analyse; 4 partial; 5 this machine`;

const program: Command = new Command('podwall')
  .description('Kubernetes NetworkPolicy: enforced with nftables on every node, and explained, tested and audited')
  .version(version)
  .exitOverride()
  .addHelpText('after', help);

interface Loaded {
  readonly group: string;
  readonly load: () => Promise<Command>;
}

const [policies, ofAgent, auditLog, others] = ['Policies:', 'The agent:', 'The audit log:', 'Others:'] as const;

/** In the order of the help. Each is loaded when it is used: loading all of them takes longer than most of them run. */
const commands: Readonly<Record<string, Loaded>> = {
  lint: { group: policies, load: async () => (await import('./policy/lint.js')).lintCommand() },
  can: { group: policies, load: async () => (await import('./policy/can.js')).canCommand() },
  explain: { group: policies, load: async () => (await import('./policy/explain.js')).explainCommand() },
  reach: { group: policies, load: async () => (await import('./policy/reach.js')).reachCommand() },
  diff: { group: policies, load: async () => (await import('./policy/diff.js')).diffCommand() },
  test: { group: policies, load: async () => (await import('./policy/test.js')).testCommand() },
  render: { group: policies, load: async () => (await import('./policy/render.js')).renderCommand() },
  agent: { group: ofAgent, load: async () => (await import('./agent/agent.js')).agentCommand() },
  status: { group: ofAgent, load: async () => (await import('./agent/status.js')).statusCommand() },
  uninstall: { group: ofAgent, load: async () => (await import('./agent/uninstall.js')).uninstallCommand() },
  audit: { group: auditLog, load: async () => (await import('./audit/audit.js')).auditCommand() },
  completion: {
    group: others,
    load: async () => (await import('./completion/completion.js')).completionCommand(() => program),
  },
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
    const { group, load } = commands[name] ?? {};
    const command = await load?.();
    if (command !== undefined && group !== undefined) program.addCommand(command.exitOverride().helpGroup(group));
  }
  withHelp(program.commandsGroup(others).helpCommand('help [command]', 'the help of a command'));
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
