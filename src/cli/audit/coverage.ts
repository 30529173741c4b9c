import { Command } from 'commander';
import { directions, type AnyPolicy } from '../../model/policy.js';
import { ruleTitle } from '../../nftables/names/comments.js';
import { denialsByPolicy, type PolicyDenials } from '../../nftables/names/policy-denials.js';
import { hitsKey, ruleHits, type RuleHits } from '../../nftables/names/rule-hits.js';
import { printRows } from '../../report/rows.js';
import { exitCode } from '../common/exit-codes.js';
import { withTableReader } from '../with-nft-client.js';
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
    .summary('rules and policies that never met a packet')
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
      const [allows, denies] = (['allow', 'deny'] as const).map((verdict) =>
        [...kernel.values()].filter((hits) => hits.verdict === verdict),
      );
      const counted: readonly Row[] = [...(allows ?? []), ...denialsByPolicy(denies ?? [])];
      const rows = [...[...counted].sort(byPackets), ...unneeded(given?.policies ?? [], kernel)];
      await writeOutputs(flags.output, 'text', (format) => print(format, rows, flags));
      process.exitCode = given?.code ?? exitCode.done;
    });

const readHits = (): Promise<ReadonlyMap<string, RuleHits> | undefined> =>
  withTableReader(async (client) => {
    const policies = await client.list({ family: 'inet', table: 'podwall' });
    return policies && ruleHits(policies, await client.counters());
  });

const byPackets = (a: Row, b: Row): number => (b.packets ?? 0) - (a.packets ?? 0) || (a.what < b.what ? -1 : 1);

type Row = Omit<RuleHits, 'packets'> & Partial<Pick<RuleHits, 'packets'> & Pick<PolicyDenials, 'alone' | 'mayBeMore'>>;

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
  const unused = rows.filter(({ packets, mayBeMore }) => (packets ?? 0) === 0 && mayBeMore !== true);
  if (format === 'json' || format === 'yaml') {
    const rules = rows.map(({ mayBeMore, ...row }) => ({ ...row, ...(mayBeMore === true ? { mayBeMore } : {}) }));
    return [documentText({ kind: 'AuditCoverage', schemaVersion: 1, neverHit: unused.length, rules }, format)];
  }
  const shown = (all ? rows : unused).map((row) => [row.verdict, row.what, ...countsOf(row)]);
  const table = printRows(['verdict', 'what', 'packets', 'alone', 'with others'], shown, format);
  if (format !== 'text') return table;
  return [
    ...(shown.length === 0 ? [] : [...table, '\n']),
    ...(all && rows.some(sharesDenials) ? ['a packet that several policies deny is counted for each of them\n'] : []),
    `${unused.length} of ${rows.length} never hit\n`,
  ];
}

const sharesDenials = ({ packets = 0, alone = packets }: Row): boolean => alone < packets;

/** All, those of a policy that isolates alone, and those that it denies with others. */
function countsOf({ packets, alone, mayBeMore }: Row): readonly string[] {
  if (packets === undefined) return ['not on this node', '', ''];
  const more = mayBeMore === true ? ' or more' : '';
  return alone === undefined
    ? [String(packets), '', '']
    : [`${packets}${more}`, String(alone), `${packets - alone}${more}`];
}
