import { Command } from 'commander';
import { directions, type AnyPolicy } from '../../model/policy.js';
import { ruleTitle } from '../../nftables/names/comments.js';
import { hitsKey, ruleHits, type RuleHits } from '../../nftables/names/rule-hits.js';
import { printRows } from '../../report/rows.js';
import { exitCode } from '../common/exit-codes.js';
import { withNftClient } from '../with-nft-client.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { hasPolicies, readPolicies, withPolicies, type PolicyFlags } from './policy-options.js';

const formats = ['text', 'json', 'yaml', 'csv', 'md'] as const;
type Format = (typeof formats)[number];

interface CoverageFlags extends PolicyFlags {
  readonly all: boolean;
  readonly output?: readonly Output<Format>[];
}

const examples = `
The counts come from this node's kernel, since its rules were first loaded; changes of policies and restarts of the agent
do not reset them. With --policies or a live cluster, rules that no pod of this node needs are listed too. For flows of
pods that no policy isolates, see podwall audit summary --reason not-isolated.

Examples:
  podwall audit coverage
  podwall audit coverage --policies manifests/ --all`;

export const coverageCommand = (): Command =>
  withPolicies(new Command('coverage'))
    .description('rules that never allowed a packet, and policies that never denied one, on this node')
    .option('--all', 'also list those that did', false)
    .option('--allow-partial', 'ignore what cannot be read in the exit code', false)
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(async (flags: CoverageFlags) => {
      const kernel = await readHits();
      if (kernel === undefined) {
        process.stderr.write('podwall: the kernel holds no table of Podwall: nothing was enforced\n');
        process.exitCode = exitCode.nothing;
        return;
      }
      const given = hasPolicies(flags) ? await readPolicies(flags) : undefined;
      const rows = [...[...kernel.values()].sort(byPackets), ...unneeded(given?.policies ?? [], kernel)];
      await writeOutputs(flags.output, 'text', (format) => print(format, rows, flags));
      process.exitCode = given?.code ?? exitCode.done;
    });

const readHits = (): Promise<ReadonlyMap<string, RuleHits> | undefined> =>
  withNftClient(async (client) => {
    const policies = await client.list({ family: 'inet', table: 'podwall' });
    return policies && ruleHits(policies, await client.counters());
  });

const byPackets = (a: RuleHits, b: RuleHits): number => b.packets - a.packets || (a.what < b.what ? -1 : 1);

type Row = Omit<RuleHits, 'packets'> & { readonly packets?: number };

/** Rules that the kernel does not hold. */
const unneeded = (policies: readonly AnyPolicy[], kernel: ReadonlyMap<string, RuleHits>): readonly Row[] =>
  policies.flatMap((policy) =>
    policy.kind === 'broken'
      ? []
      : directions.flatMap((direction) =>
          (policy[direction] ?? []).flatMap((_, rule): readonly Row[] =>
            kernel.has(hitsKey({ policy: policy.ref, direction }, rule))
              ? []
              : [{ what: ruleTitle({ policy: policy.ref, direction }, rule), verdict: 'allow' }],
          ),
        ),
  );

function print(format: Format, rows: readonly Row[], { all }: CoverageFlags): Iterable<string> {
  const unused = rows.filter(({ packets }) => (packets ?? 0) === 0);
  if (format === 'json' || format === 'yaml')
    return [documentText({ kind: 'AuditCoverage', schemaVersion: 1, neverHit: unused.length, rules: rows }, format)];
  const shown = (all ? rows : unused).map(({ what, verdict, packets }) => [
    verdict,
    what,
    packets === undefined ? 'not on this node' : String(packets),
  ]);
  const table = printRows(['verdict', 'what', 'packets'], shown, format);
  if (format !== 'text') return table;
  return [...(shown.length === 0 ? [] : [...table, '\n']), `${unused.length} of ${rows.length} never hit\n`];
}
