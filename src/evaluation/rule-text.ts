import { formatPorts } from '../model/reachability.js';
import { printBlock } from '../program/print.js';
import type { AllowRule, PolicyProgram, RuleOrigin, RulePeer, RulePort } from '../program/types.js';
import { groupOf } from './rule-matcher.js';
import { inYamlOrder } from './rule-pairs.js';

/** A peer and a port of a rule in words, by the titles of their groups. */
export interface RuleText {
  readonly origin: RuleOrigin;
  readonly peers: string;
  readonly ports: string;
}

interface Text {
  readonly index?: number;
  readonly text: string;
}

export function describeRules(program: PolicyProgram, rules: readonly AllowRule[]): readonly RuleText[] {
  const texts = rules.map(({ origin, peers, ports }) => ({
    origin,
    peers: peers.kind === 'anyone' ? [{ text: 'anyone' }] : peers.of.map((peer): Text => peerText(program, peer)),
    ports: ports.kind === 'anyPort' ? [{ text: 'all ports' }] : ports.of.map((port): Text => portText(program, port)),
  }));
  return inYamlOrder<Text, Text>(texts).map(({ origin, peer, port }) => ({
    origin,
    peers: peer.text,
    ports: port.text,
  }));
}

const peerText = (program: PolicyProgram, peer: RulePeer): Text => ({
  index: peer.index,
  text: peer.kind === 'pods' ? groupOf(program, peer.of).title : printBlock(peer),
});

function portText(program: PolicyProgram, port: RulePort): Text {
  const { index, protocol } = port;
  if (port.kind === 'listeners')
    return { index, text: `${protocol} ${groupOf(program, port.of).title.split('/')[0] ?? ''}` };
  return { index, text: formatPorts([{ protocol, first: Math.max(port.first, 1), last: port.last }]) };
}
