/** What one more pod costs the rules of an isolation of many policies, in operations: no time is measured. */
import { expect, test } from '@jest/globals';
import { Compiler } from '../../src/compiler/compiler.js';
import { families, type Address } from '../../src/model/address.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import type { LabelSelector } from '../../src/model/labels.js';
import { ChainTrees } from '../../src/nftables/render/chain-trees.js';
import { DesiredRuleset } from '../../src/nftables/render/desired.js';
import { GroupSets } from '../../src/nftables/render/group-sets.js';
import { IsolationChains } from '../../src/nftables/render/isolation-chains.js';
import { PeerBuckets } from '../../src/nftables/render/peer-buckets.js';
import { renderRuleList } from '../../src/nftables/render/rule-lists.js';
import type { Endpoint, RuleListId } from '../../src/program/types.js';
import { anyPort, endpoint, isolatedBy, pods, ruleList } from './programs.js';

const policies = Array.from({ length: 1000 }, (_, index) => `p-${String(index).padStart(4, '0')}`);

test('a pod that joins an isolation of 1,000 policies, or leaves it, looks at no rule list and touches no chain', () => {
  const desired = new DesiredRuleset();
  const peers = pods('app=web', '10.0.0.9');
  const groups = new GroupSets(desired);
  groups.groupChanged({ group: peers, change: 'added', added: [...peers.members], removed: [] });
  const lists = new Map(policies.map((name) => [name, ruleList(name, 'ingress', { from: peers, port: anyPort })]));
  let rendered = 0;
  const chains = new IsolationChains(desired, {
    audit: undefined,
    isStateless: false,
    inlineLists: 8,
    inlineRules: 48,
    ruleList: (id: RuleListId) => {
      rendered += 1;
      const list = lists.get(id.slice('ingress lab/'.length));
      if (list === undefined) throw new Error(`no list ${id}`);
      return renderRuleList(list, { groups, families, audit: undefined });
    },
    trees: new ChainTrees(desired, new PeerBuckets(desired, groups)),
  });
  const isolation = { ingress: isolatedBy('ingress', ...policies) };
  const named = (name: string, address: string): Endpoint => endpoint(name, [address], isolation);
  chains.add('lab/a', named('a', '10.0.0.1'));
  chains.refresh();
  expect(rendered).toBe(policies.length);
  desired.takeDirty();
  const before = desired.ruleset.chains.size;

  chains.add('lab/b', named('b', '10.0.0.2'));
  expect([...chains.refresh()]).toEqual([]);
  chains.remove('lab/a', named('a', '10.0.0.1'));
  chains.refresh();
  // The only one leaves and another comes in one step.
  chains.remove('lab/b', named('b', '10.0.0.2'));
  chains.add('lab/c', named('c', '10.0.0.3'));
  chains.refresh();
  expect(rendered).toBe(policies.length);
  const { chains: touched, sets, elements } = desired.takeDirty();
  expect([touched.size, sets.size, elements.size]).toEqual([0, 0, 0]);

  chains.remove('lab/c', named('c', '10.0.0.3'));
  chains.refresh();
  expect(desired.ruleset.chains.size).toBeLessThan(before);
  expect([...desired.ruleset.chains.keys()].filter((name) => name.startsWith('iso-'))).toEqual([]);
});

test('a pod that joins asks none of the policies again that selected pods like it', () => {
  let asked = 0;
  const server: LabelSelector = { requirements: [{ operator: 'In', key: 'app', values: ['server'] }] };
  const changes = policies.map((name): ClusterChange => {
    const ref = { kind: 'NetworkPolicy', namespace: 'x', name } as const;
    const policy = {
      kind: 'policy',
      ref,
      ingress: [{ peers: 'anyone', ports: 'anyPort' }],
      get appliesTo(): LabelSelector {
        asked += 1;
        return server;
      },
    } as const;
    return { kind: 'policy', ref, policy };
  });
  const compiler = new Compiler({ scope: { node: 'n1' } });
  compiler.apply([...changes, podNamed('a', '10.0.0.1')]);
  expect(compiler.program().ruleLists.size).toBe(policies.length);
  asked = 0;
  const joined = compiler.apply([podNamed('b', '10.0.0.2')]);
  expect(asked).toBe(0);
  expect(joined.endpoints.map(({ after }) => after?.ingress)).toEqual([
    compiler.program().endpoints.get('x/a')?.ingress,
  ]);
  expect(joined.ruleLists).toEqual([]);
});

/** With a label that no selector asks for. */
function podNamed(name: string, address: string): ClusterChange {
  const ref = { namespace: 'x', name };
  const pod = {
    ref,
    uid: name,
    labels: { app: 'server', name },
    addresses: [address as Address],
    ports: [],
    node: 'n1',
    hostNetwork: false,
    phase: 'Running',
    deleting: false,
    created: 0,
  } as const;
  return { kind: 'pod', ref, pod };
}
