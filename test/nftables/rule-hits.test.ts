/** Whose packets counters count: of what is enforced, and of what a dry run would do. */
import { expect, test } from '@jest/globals';
import { policyCounters } from '../../src/nftables/render/policy-counters.js';
import { denialsByPolicy } from '../../src/nftables/names/policy-denials.js';
import { isolationTitle } from '../../src/nftables/names/comments.js';
import { render } from '../../src/nftables/render/renderer.js';
import { ruleHits } from '../../src/nftables/names/rule-hits.js';
import type { Endpoint, Isolated } from '../../src/program/types.js';
import { address, anyPort, endpoint, isolatedBy, policy, program, ruleList } from './programs.js';
import { Interpreter } from './interpreter.js';

const both = isolatedBy('ingress', 'deny', 'let') as Isolated;
const denied: Isolated = { kind: 'isolated', by: [policy('deny')], allowedBy: [] };
const flow = { source: address('10.0.0.1'), destination: address('10.0.0.2'), protocol: 'TCP' as const, port: 80 };
const list = ruleList('let', 'ingress', { port: anyPort });

/** Counters that the first packet of the flow goes by, and what they are reported as. */
function counted(server: Endpoint): { readonly allowed: boolean; readonly hits: string[]; readonly metrics: string[] } {
  const made = program({ endpoints: [server], ruleLists: [list] });
  const ruleset = render(made, { established: 'reevaluate' });
  const { allowed, counters } = new Interpreter(ruleset).walk(flow);
  const packets = new Map(counters.map((name) => [name, 1]));
  return {
    allowed,
    hits: [...ruleHits(ruleset, packets).values()]
      .filter((one) => one.packets > 0)
      .map((one) => `${one.verdict} ${one.what}`)
      .sort(),
    metrics: [...policyCounters(made)]
      .filter(([name]) => packets.has(name))
      .map(([, { verdict, policies }]) => `${verdict} ${policies.join()}`),
  };
}

test('a rule that would allow is hit, and has allowed nothing', () => {
  const server: Endpoint = {
    ...endpoint('server', ['10.0.0.2'], { ingress: denied }),
    dryRun: { ingress: { ...both, allowedBy: [list.id] } },
  };
  expect(counted(server)).toEqual({
    allowed: false,
    hits: ['allow lab/let ingress[0]', 'deny ingress isolated by lab/deny'],
    metrics: ['dryRunAllow lab/let', 'deny lab/deny'],
  });
});

test('a rule that allows', () => {
  const server = endpoint('server', ['10.0.0.2'], { ingress: { ...both, allowedBy: [list.id] } });
  expect(counted(server)).toEqual({
    allowed: true,
    hits: ['allow lab/let ingress[0]'],
    metrics: ['allow lab/let'],
  });
});

test('policies that would deny', () => {
  const server: Endpoint = { ...endpoint('server', ['10.0.0.2']), dryRun: { ingress: denied } };
  expect(counted(server)).toEqual({
    allowed: true,
    hits: ['deny ingress dry run of lab/deny'],
    metrics: ['dryRunDeny lab/deny'],
  });
});

test('denials of a policy: alone, and with others; one that a comment has no room for is not called unused', () => {
  const hits = (packets: number, ...names: readonly string[]) => ({
    what: isolationTitle('ingress', { kind: 'isolated', by: names.map((name) => policy(name)), allowedBy: [] }, false),
    packets,
  });
  const row = (name: string, packets: number, alone: number, mayBeMore = false) => ({
    what: `ingress isolated by lab/${name}`,
    verdict: 'deny',
    packets,
    alone,
    mayBeMore,
  });
  expect(denialsByPolicy([hits(0, 'a'), hits(3, 'a', 'b'), hits(2, 'b'), hits(0, 'c')])).toEqual([
    row('a', 3, 0),
    row('b', 5, 2),
    row('c', 0, 0),
  ]);
  const [long, longer] = ['d'.repeat(60), 'e'.repeat(60)];
  expect(denialsByPolicy([hits(0, 'z'), hits(0, 'c'), hits(4, long, longer)])).toEqual([
    row('z', 0, 0, true),
    row('c', 0, 0),
    row(long, 4, 0),
  ]);
});
