import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BridgeNetfilterMode } from '../../kernel/links/bridge-netfilter.js';
import { parseCidr, type Cidr } from '../../model/address.js';
import type { ReportFlags } from './report-options.js';
import { withAuditOptions, type AuditFlags } from './audit-options.js';
import type { LimitMode } from '../../limits/limits.js';
import type { LogFormat } from '../../node/log.js';
import { refuseRenamed } from '../common/renamed.js';
import { withLimitOptions, type LimitFlags } from '../common/limit-options.js';
import { defaultNode, defaultStateDir, establishedOption, untrackedOption } from '../common/options.js';

export interface AgentFlags extends ReportFlags, AuditFlags, LimitFlags {
  readonly stateDir: string;
  readonly unknownPods: 'deny' | 'allow';
  readonly podCidrs: readonly Cidr[];
  readonly established: 'reevaluate' | 'keep';
  readonly untracked: 'drop' | 'stateless';
  readonly sourceGuard: 'on' | 'off';
  readonly limits: LimitMode;
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
    .option('--node <name>', 'name of this node ($NODE_NAME, then the host name)', defaultNode())
    .option('--state-dir <dir>', 'socket and state of this agent', defaultStateDir)
    .addOption(
      choice(
        '--unknown-pods <mode>',
        "traffic of addresses in this node's pod CIDRs that no known pod has",
        ['deny', 'allow'],
        'allow',
      ),
    )
    .option('--pod-cidrs <cidrs>', 'pod CIDRs of this node, in addition to those of its Node object', parseCidrs, [])
    .addOption(establishedOption())
    .addOption(untrackedOption())
    .addOption(
      choice(
        '--source-guard <mode>',
        "drop packets of a pod whose source is not one of the pod's addresses",
        ['on', 'off'],
        'on',
      ),
    )
    .addOption(
      choice(
        '--limits <mode>',
        'what is over a limit (--max-…): named and enforced as written (warn), or it fails closed (enforce)',
        ['warn', 'enforce'],
        'warn',
      ),
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
  return refuseRenamed(withLimitOptions(withAuditOptions(command)), {
    'cni-results': '--cni-cache-dir',
  });
}

function parseCidrs(text: string): Cidr[] {
  return text.split(',').map((part) => {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) throw new InvalidArgumentError(`${part} is not a CIDR.`);
    return cidr;
  });
}
