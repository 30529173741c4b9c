import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BridgeNetfilterMode } from '../../kernel/links/bridge-netfilter.js';
import type { ReportFlags } from './report-options.js';
import { rotationOptions, type RotationFlags } from './audit-options.js';
import { withRulesetOptions, type RulesetFlags } from './ruleset-options.js';
import type { LogFormat } from '../../node/log.js';
import { refuseRenamed } from '../common/renamed.js';
import { defaultStateDir } from '../common/options.js';

export interface AgentFlags extends ReportFlags, RulesetFlags, RotationFlags {
  readonly stateDir: string;
  readonly sourceGuard: 'on' | 'off';
  readonly tunnelPorts: readonly number[];
  readonly allowPodTunnels: readonly string[];
  readonly bridgeNetfilter: BridgeNetfilterMode;
  readonly sysctlDir: string;
  readonly cniCacheDir: string;
  readonly metricsAddress: string;
  readonly logLevel: string;
  readonly logFormat: LogFormat;
}

/** Every flag of `podwall agent`. */
export function withAgentOptions(command: Command): Command {
  const choice = (flags: string, text: string, values: readonly string[], value: string): Option =>
    new Option(flags, text).choices(values).default(value);
  command
    .option('--manifests <dir>', 'read and watch the cluster in this directory instead of an API server')
    .option('--kubeconfig <file>', 'API server to follow ($KUBECONFIG, then ~/.kube/config, then the pod it runs in)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--state-dir <dir>', 'socket and state of this agent', defaultStateDir)
    .addOption(
      choice(
        '--source-guard <mode>',
        "drop packets of a pod whose source is not one of the pod's addresses",
        ['on', 'off'],
        'on',
      ),
    )
    .option(
      '--tunnel-ports <ports>',
      'UDP ports on which nodes take packets out of tunnels, in addition to those of the VXLAN, Geneve, FOU and GUE links of this node: no pod may send to them on a node',
      parsePorts,
      [],
    )
    .option(
      '--allow-pod-tunnels <namespaces>',
      'namespaces whose pods may tunnel to nodes, and so send there as any other pod',
      (text: string) => text.split(',').map((name) => name.trim()),
      [],
    )
    .addOption(
      choice(
        '--bridge-netfilter <mode>',
        'set bridge-nf-call-iptables for pods on a bridge, or only check it',
        ['ensure', 'check'],
        'ensure',
      ),
    )
    .option('--sysctl-dir <dir>', 'folder of the net sysctls (for a container, those of the host)', '/proc/sys/net')
    .option(
      '--cni-cache-dir <dir>',
      "where the container runtime caches CNI's results, which give a pod's addresses before its status does; or off",
      '/var/lib/cni/results',
    )
    .option('--metrics-address <address>', '/metrics, /healthz and /readyz: HOST:PORT, or off', '127.0.0.1:9808')
    .addOption(
      choice(
        '--node-policy-status <mode>',
        "keep this node's NodePolicyStatus up to date, for podwall status --cluster",
        ['on', 'off'],
        'off',
      ),
    )
    .addOption(
      choice(
        '--cluster-events <mode>',
        'write Events on policies that fail closed or select no pod, on unknown modes, and on pods whose policies cannot be enforced',
        ['on', 'off'],
        'off',
      ),
    )
    .addOption(
      choice(
        '--denial-events <mode>',
        'write Events on pods whose traffic is denied, from the packets that the audit log records',
        ['on', 'off'],
        'off',
      ),
    )
    .addOption(choice('--log-level <level>', 'lowest level that is logged', ['error', 'warn', 'info', 'debug'], 'info'))
    .addOption(
      choice(
        '--log-format <format>',
        'format of the log (text is the default on a terminal)',
        ['json', 'text'],
        process.stderr.isTTY ? 'text' : 'json',
      ),
    );
  withRulesetOptions(command);
  for (const option of rotationOptions()) command.addOption(option);
  return refuseRenamed(command, {
    'cni-results': '--cni-cache-dir',
  });
}

function parsePorts(text: string): number[] {
  return text.split(',').map((part) => {
    const port = Number(part);
    if (!/^\s*\d+\s*$/.test(part) || port < 1 || port > 65_535)
      throw new InvalidArgumentError(`${part} is not a port.`);
    return port;
  });
}
