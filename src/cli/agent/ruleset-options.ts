/** The flags that say what a node's ruleset is: the agent holds it, and `podwall render` prints the same. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CompilerOptions } from '../../compiler/compiler.js';
import type { LimitMode } from '../../limits/limits.js';
import { parseCidr, type Cidr } from '../../model/address.js';
import type { ClusterSnapshot } from '../../model/cluster.js';
import type { RenderOptions } from '../../nftables/render/renderer.js';
import type { PolicyLimitOptions } from '../../reconciler/policy-limits.js';
import { limitsOf, policyMemoryOf, withLimitOptions, type LimitFlags } from '../common/limit-options.js';
import { defaultNode } from '../common/options.js';
import { withRenamedValues } from '../common/renamed.js';
import { auditRules, recordsGoTo, withAuditOptions, type AuditFlags } from './audit-options.js';

export interface RulesetFlags extends AuditFlags, LimitFlags {
  readonly node: string;
  readonly unknownPods: 'deny' | 'allow';
  readonly podCidrs: readonly Cidr[];
  readonly established: 'reevaluate' | 'keep';
  readonly untracked: 'drop' | 'stateless';
  readonly limits: LimitMode;
}

export function withRulesetOptions(command: Command): Command {
  command
    .option('--node <name>', 'name of the node ($NODE_NAME, then the host name)', defaultNode())
    .addOption(
      new Option('--unknown-pods <mode>', "traffic of addresses in the node's pod CIDRs that no known pod has")
        .choices(['deny', 'allow'])
        .default('allow'),
    )
    .option('--pod-cidrs <cidrs>', 'pod CIDRs of the node, in addition to those of its Node object', parseCidrs, [])
    .addOption(
      withRenamedValues(
        new Option(
          '--established <mode>',
          'flows that a change no longer allows: policies are evaluated again for their next packet, or they are kept',
        )
          .choices(['reevaluate', 'keep'])
          .default('reevaluate'),
        { cut: 'reevaluate' },
      ),
    )
    .addOption(
      new Option(
        '--untracked <mode>',
        'packets that the node does not track (notrack) to or from an isolated pod: dropped, or evaluated by their header, so that a pod may send from a port on which it may be asked to any port of whoever may ask',
      )
        .choices(['drop', 'stateless'])
        .default('drop'),
    )
    .addOption(
      new Option(
        '--limits <mode>',
        'what is over a limit (--max-…): named and enforced as written (warn), or it fails closed (enforce)',
      )
        .choices(['warn', 'enforce'])
        .default('warn'),
    );
  return withLimitOptions(withAuditOptions(command));
}

export const compilerOptions = (flags: RulesetFlags): CompilerOptions => ({
  scope: { node: flags.node },
  unknownPods: flags.unknownPods,
  podCidrs: flags.podCidrs,
  ...(flags.mode === 'dry-run' ? { dryRun: 'all' } : {}),
  ...(flags.limits === 'enforce' ? { maxPodPolicies: limitsOf(flags).podPolicies } : {}),
});

/** @throws InputError for what cannot be meant */
export const renderOptions = (flags: RulesetFlags): RenderOptions => ({
  established: flags.established,
  untracked: flags.untracked,
  mode: flags.mode,
  ...(recordsGoTo(flags) === undefined ? {} : { audit: auditRules(flags) }),
});

export const policyLimitOptions = (flags: RulesetFlags): PolicyLimitOptions => ({
  node: flags.node,
  mode: flags.limits,
  limits: limitsOf(flags),
  memory: policyMemoryOf(flags),
});

/** Flags that have no effect on this cluster, in a sentence each. */
export function withoutEffect({ node, unknownPods, podCidrs }: RulesetFlags, cluster: ClusterSnapshot): string[] {
  const known = cluster.nodes.find(({ name }) => name === node)?.podCidrs ?? [];
  return unknownPods === 'deny' && podCidrs.length + known.length === 0
    ? ['--unknown-pods=deny has no effect: no pod CIDR of this node is known (--pod-cidrs)']
    : [];
}

function parseCidrs(text: string): Cidr[] {
  return text.split(',').map((part) => {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) throw new InvalidArgumentError(`${part} is not a CIDR.`);
    return cidr;
  });
}
