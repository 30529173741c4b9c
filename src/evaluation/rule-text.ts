import { formatPorts } from '../model/reachability.js';
import type { AllowRule, PolicyProgram, RuleOrigin } from '../program/types.js';
import { groupOf } from './rule-matcher.js';

/** A rule in words: whom it is about and on which ports, by the titles of its groups. */
export interface RuleText {
  readonly origin: RuleOrigin;
  readonly peers: string;
  readonly ports: string;
}

export const describeRule = (program: PolicyProgram, rule: AllowRule): RuleText => ({
  origin: rule.origin,
  peers: peersText(program, rule),
  ports: portsText(program, rule),
});

const peersText = (program: PolicyProgram, { peer }: AllowRule): string =>
  peer.kind === 'anyone' ? 'anyone' : groupOf(program, peer.of).title;

function portsText(program: PolicyProgram, { port }: AllowRule): string {
  if (port.kind === 'anyPort') return 'all ports';
  if (port.kind === 'range') return formatPorts([{ ...port, first: Math.max(port.first, 1) }]);
  return `${port.protocol} ${groupOf(program, port.of).title.split('/')[0] ?? ''}`;
}
