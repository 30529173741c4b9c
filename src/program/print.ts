import { formatCidr } from '../model/address.js';
import { directions, type PolicyRef } from '../model/policy.js';
import type { AllowRule, Block, Isolation, PolicyProgram, RuleList, RuleOrigin, RulePeer, RulePort } from './types.js';

/** The program as stable text: the same program prints the same, whatever the order in which it was made. */
export function printProgram(program: PolicyProgram): string {
  const lines: string[] = [];
  const section = (title: string, entries: readonly (readonly [string, readonly string[]])[]): void => {
    lines.push(`${title} (${entries.length})`);
    for (const [head, body] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
      lines.push(`  ${head}`, ...body.map((line) => `    ${line}`));
  };
  section(
    'endpoints',
    [...program.endpoints].map(([key, endpoint]) => [
      `${key} ${endpoint.addresses.join(' ')}${recorded(endpoint)}`,
      directions.flatMap((direction) => {
        const dryRun = endpoint.dryRun?.[direction];
        const enforced = `${direction.padEnd(7)} ${printIsolation(endpoint[direction])}`;
        return dryRun === undefined ? [enforced] : [enforced, `        in dry run ${printIsolation(dryRun)}`];
      }),
    ]),
  );
  section(
    'rule lists',
    [...program.ruleLists.values()].map((list) => [`${list.id}${recorded(list)}`, list.rules.map(printRule)]),
  );
  section(
    'groups',
    [...program.groups.values()].map((group) => [group.id, [[...group.members].sort().join(' | ')]]),
  );
  section(
    'nodes',
    [...program.nodes].map(([name, addresses]) => [name, [addresses.join(' ')]]),
  );
  if (program.unknown !== undefined) {
    const { ranges, known } = program.unknown;
    section('unknown pods denied in', [[ranges.map(formatCidr).join(' '), [`known: ${[...known].sort().join(' ')}`]]]);
  }
  return `${lines.join('\n')}\n`;
}

/** `shop/allow-web ingress[0].from[1] ports[0]`: where the rule stands in the YAML. */
export function printOrigin({ policy, direction, rule, peer, port }: RuleOrigin): string {
  const peers = peer === undefined ? '' : `.${direction === 'ingress' ? 'from' : 'to'}[${peer}]`;
  return `${printPolicy(policy)} ${direction}[${rule}]${peers}${port === undefined ? '' : ` ports[${port}]`}`;
}

export const printPolicy = (policy: PolicyRef): string => `${policy.namespace}/${policy.name}`;

const recorded = ({ logsAllowed }: Pick<RuleList, 'logsAllowed'>): string =>
  logsAllowed === true ? ' (allowed flows are recorded)' : '';

function printIsolation(isolation: Isolation): string {
  if (isolation.kind === 'open') return 'open';
  const by = isolation.by.map(printPolicy).join(' ');
  return `isolated by ${by}; allowed by ${isolation.allowedBy.join(', ') || 'nothing'}`;
}

/** An ipBlock as the YAML has it: `10.0.0.0/8 except 10.1.0.0/16`. */
export const printBlock = ({ cidr, except }: Block): string =>
  `${formatCidr(cidr)}${except.length === 0 ? '' : ` except ${except.map(formatCidr).join(' ')}`}`;

function printRule({ peers, ports, origin }: AllowRule): string {
  const from = peers.kind === 'anyone' ? 'anyone' : peers.of.map(printPeer).join(' or ');
  const to = ports.kind === 'anyPort' ? 'any port and protocol' : ports.of.map(printPort).join(' or ');
  return `${printOrigin(origin)}: ${from} | ${to}`;
}

const printPeer = (peer: RulePeer): string => (peer.kind === 'pods' ? peer.of : `block ${printBlock(peer)}`);

const printPort = (port: RulePort): string =>
  port.kind === 'listeners'
    ? port.of
    : `${port.protocol} ${port.first === port.last ? port.first : `${port.first}-${port.last}`}`;
