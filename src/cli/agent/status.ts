import { Command, Option } from 'commander';
import { InputError } from '../../generic/input-error.js';
import { describeKernel, type KernelSummary } from '../../nftables/names/summary.js';
import { messageOf } from '../../generic/message-of.js';
import { emptyRuleset } from '../../nftables/language/mutable-ruleset.js';
import { lockIsHeld } from '../../node/agent-lock.js';
import { agentAnswers, askAgent, socketPath, type AgentStatus } from '../../node/control-socket.js';
import { objectKey, type ObjectRef } from '../../model/pod.js';
import { readStateFile } from '../../node/state/state-file.js';
import { formatTable } from '../../report/table.js';
import { exitCode } from '../common/exit-codes.js';
import { withTableReader } from '../with-nft-client.js';
import { choiceOf, defaultStateDir, durationOption, parseTarget, warnOf } from '../common/options.js';

interface StatusFlags {
  readonly stateDir: string;
  readonly output: 'text' | 'json';
  readonly cluster?: true;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly for?: ObjectRef;
  readonly wait?: true;
  readonly timeout: number;
}

export const statusCommand = (): Command =>
  new Command('status')
    .summary('what this node enforces now; with --cluster, every node')
    .description(
      'what this node enforces now, from the kernel and the running agent (exit 1 when no agent runs); ' +
        'with --cluster: whether every node enforces the current policies (exit 1 when not)',
    )
    .option('--state-dir <dir>', 'the state folder of the agent', defaultStateDir)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .option('--cluster', 'ask the API server what every node enforces (NodePolicyStatus)')
    .option(
      '--kubeconfig <file>',
      'API server of --cluster ($KUBECONFIG, then ~/.kube/config, then the pod it runs in)',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option(
      '--for <policy>',
      'with --cluster: only policy/NAMESPACE/NAME, on the nodes that have pods it selects',
      parseTarget,
    )
    .option('--wait', 'with --cluster: wait until the policies are in force, or until --timeout has passed')
    .addOption(
      new Option('--timeout <duration>', 'how long --wait waits, as 500ms, 30s or 2m')
        .argParser(durationOption)
        .default(30_000, '30s'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  podwall status\n' +
        '  podwall status --cluster\n' +
        '  podwall status --cluster --wait --for=policy/shop/allow-web --timeout 30s',
    )
    .action(async (flags: StatusFlags) => {
      const { stateDir, output, cluster, wait, timeout, for: only } = flags;
      if (cluster === true) {
        const { clusterStatus } = await import('./cluster-status.js');
        const choice = choiceOf(flags);
        return clusterStatus({
          choice,
          output,
          wait: wait === true ? timeout : 0,
          ...(only === undefined ? {} : { only }),
        });
      }
      if (wait === true || only !== undefined) throw new InputError('--wait and --for belong to --cluster');
      const warn = (message: string): void => void process.stderr.write(`podwall: ${message}\n`);
      socketPath(stateDir);
      const kernel = await readKernel();
      const running = await askStatus(stateDir, warn);
      const last = running ?? (await readStateFile(stateDir, warn));
      const found = { last, kernel, isHeld: running === undefined && (await lockIsHeld(() => agentAnswers(stateDir))) };
      if (output === 'json') process.stdout.write(`${JSON.stringify(asJson(running, found), null, 2)}\n`);
      else process.stdout.write(running === undefined ? withoutAgent(found, stateDir) : withAgent(running, kernel));
      process.exitCode = running === undefined ? exitCode.no : exitCode.done;
    });

/** Whatever stands where its socket should be: what the kernel holds is shown all the same. */
async function askStatus(stateDir: string, warn: (message: string) => void): Promise<AgentStatus | undefined> {
  try {
    return (await askAgent(stateDir, 'status')) as AgentStatus | undefined;
  } catch (error) {
    warn(messageOf(error));
    return undefined;
  }
}

interface WithoutAnswer {
  readonly last: AgentStatus | undefined;
  readonly kernel: KernelSummary | undefined;
  /** An agent runs here all the same. */
  readonly isHeld: boolean;
}

const readKernel = (): Promise<KernelSummary | undefined> =>
  withTableReader(async (client) => {
    const policies = await client.list({ family: 'inet', table: 'podwall' });
    const guards = await client.list({ family: 'netdev', table: 'podwall' });
    // An uninstall that was interrupted may have left one of them.
    return policies === undefined && guards === undefined
      ? undefined
      : describeKernel(policies ?? emptyRuleset(), guards);
  });

/** Without an agent nothing follows a change, although the rules may still be in the kernel. */
const asJson = (running: AgentStatus | undefined, { last, kernel, isHeld }: WithoutAnswer): object => ({
  kind: 'NodeStatus',
  schemaVersion: 1,
  ...(running ?? {
    ...{ endpoints: [], failing: [], revision: 0, repairs: 0, ...last },
    agent: isHeld ? 'unreachable' : 'none',
    ready: false,
  }),
  kernel: kernel ?? null,
});

function withoutAgent({ last, kernel, isHeld }: WithoutAnswer, stateDir: string): string {
  const lines = [
    isHeld
      ? `An agent runs in this network namespace, but none answers in ${stateDir}.`
      : 'No agent runs in this network namespace.',
  ];
  if (kernel === undefined) lines.push('The kernel holds no table of Podwall: nothing is enforced.');
  else lines.push(`The kernel enforces what was applied last: ${kernelLine(kernel)}.`);
  if (last !== undefined) lines.push(`The last agent (pid ${last.pid}) applied revision ${last.revision}.`);
  return `${lines.join('\n')}\n`;
}

const kernelLine = (kernel: KernelSummary): string =>
  `${kernel.podsIsolatedForIngress} addresses isolated for ingress, ${kernel.podsIsolatedForEgress} for egress, ` +
  `${kernel.chains} chains, ${kernel.sets} sets, ${kernel.elements} elements, ${kernel.guards} source guards`;

function withAgent(status: AgentStatus, kernel: KernelSummary | undefined): string {
  const applied = status.lastApplied === undefined ? 'never' : new Date(status.lastApplied).toISOString();
  const lines = [
    `node ${status.node}: ${status.ready ? 'ready' : 'NOT ready'}, revision ${status.revision}, applied ${applied}`,
    `policies ${status.policies}, endpoints ${status.endpoints.length}, drift repairs ${status.repairs}, failures ${status.failures}`,
    `kernel: ${kernel === undefined ? 'no table: nothing is enforced' : kernelLine(kernel)}`,
    ...(status.waiting === 0 ? [] : [`changes that are not in force yet: ${status.waiting}`]),
    ...(status.lastError === undefined ? [] : [`last error: ${status.lastError}`]),
    ...(status.staleSeconds === undefined
      ? []
      : [`out of touch with the cluster for ${status.staleSeconds} s: the last known state stays in force`]),
    ...status.warnings.map((warning) => `warning: ${warning}`),
    ...dryRunLines(status),
    ...status.failing.map((one) => `fails closed: ${one.namespace}/${one.name}: ${one.reasons.join('; ')}`),
    ...status.overLimits
      .filter(({ of, refused }) => of !== 'policy' || !refused)
      .map((one) => `over a limit: ${one.of} ${one.of === 'namespace' ? one.name : objectKey(one)}: ${one.message}`),
    ...status.unattached.map(({ pod, reason }) => `NOT enforced: ${pod.namespace}/${pod.name}: ${reason}`),
    ...status.problems.map((problem) => `input: ${warnOf(problem)}`),
    '',
    formatTable([
      ['POD', 'ADDRESSES', 'DEVICE', 'INGRESS', 'EGRESS'],
      ...status.endpoints.map((one) => [
        `${one.namespace}/${one.name}`,
        one.addresses.join(' '),
        one.device ?? '-',
        one.ingress.isolated ? one.ingress.by.join(' ') : 'open',
        one.egress.isolated ? one.egress.by.join(' ') : 'open',
      ]),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function dryRunLines({ mode, dryRun }: AgentStatus): string[] {
  if (mode === 'dry-run') return ['the agent is in a dry run (--mode=dry-run): nothing is dropped'];
  return dryRun.length === 0
    ? []
    : [`dry run: ${dryRun.map(objectKey).join(', ')}: what they would change is recorded`];
}
