import type { RuleOrigin } from '../program/types.js';

interface Indexed {
  readonly index?: number;
}

interface Rule<Peer extends Indexed, Port extends Indexed> {
  readonly origin: RuleOrigin;
  readonly peers: readonly Peer[];
  readonly ports: readonly Port[];
}

interface RulePair<Peer, Port> {
  readonly origin: RuleOrigin;
  readonly peer: Peer;
  readonly port: Port;
}

/** Each peer of a rule with each of its ports: what is shown to people, who look for it in the YAML. */
export function inYamlOrder<Peer extends Indexed, Port extends Indexed>(
  rules: readonly Rule<Peer, Port>[],
): readonly RulePair<Peer, Port>[] {
  // One rule of the YAML may be two here.
  const byRule = new Map<RuleOrigin, RulePair<Peer, Port>[]>();
  for (const { origin, peers, ports } of rules) {
    const pairs = byRule.get(origin) ?? [];
    byRule.set(origin, pairs);
    for (const peer of peers)
      for (const port of ports) pairs.push({ origin: originOf(origin, peer.index, port.index), peer, port });
  }
  return [...byRule.values()].flatMap((pairs) => pairs.sort(byPlace));
}

const originOf = (rule: RuleOrigin, peer: number | undefined, port: number | undefined): RuleOrigin => ({
  ...rule,
  ...(peer === undefined ? {} : { peer }),
  ...(port === undefined ? {} : { port }),
});

const byPlace = ({ origin: a }: { origin: RuleOrigin }, { origin: b }: { origin: RuleOrigin }): number =>
  (a.peer ?? 0) - (b.peer ?? 0) || (a.port ?? 0) - (b.port ?? 0);
