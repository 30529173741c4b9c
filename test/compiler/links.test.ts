import { expect, test } from '@jest/globals';
import { Compiler } from '../../src/compiler/compiler.js';
import { linkChange, type ClusterChange } from '../../src/model/cluster.js';
import type { LinkBinding } from '../../src/model/link-binding.js';
import { policyKey } from '../../src/model/policy.js';
import { parseNetworkPolicy, parsePod } from '../../src/model/parse.js';
import { validateProgram } from '../../src/program/validate.js';
import { pod, policy, type PodOptions } from '../cases/objects.js';

/** A compiler of node n1, and what its endpoints and groups are now: one line each. */
function compiled() {
  const compiler = new Compiler({ scope: { node: 'n1' } });
  const apply = (...changes: readonly ClusterChange[]): void => void compiler.apply(changes);
  const podChange = (end: string, options: PodOptions): ClusterChange => {
    const parsed = parsePod(pod(end, options));
    if (!parsed.ok) throw new Error('no pod');
    return { kind: 'pod', ref: parsed.value.ref, pod: parsed.value };
  };
  const parsed = parseNetworkPolicy(
    policy('p.x', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: {} }] }] }),
    { strict: true },
  );
  if (!parsed.ok) throw new Error('no policy');
  apply({ kind: 'policy', ref: parsed.value.ref, policy: parsed.value });
  const lines = (): string[] => {
    const program = compiler.program();
    expect(validateProgram(program)).toEqual([]);
    return [...program.endpoints.values()].map(({ pod: { name }, addresses, ingress, egress, link }) => {
      const by = [ingress, egress].map((one) =>
        one.kind === 'open' ? 'open' : one.by.map(policyKey).join() || 'closed',
      );
      return [name, addresses.join(), ...by, ...(link === undefined ? [] : [link])].join(' ');
    });
  };
  const peers = (): string[] => [...compiler.program().groups.values()].flatMap(({ members }) => [...members]);
  return { apply, podChange, lines, peers };
}

const binding = (name: string, change: Partial<LinkBinding> = {}): LinkBinding => ({
  pod: { namespace: 'x', name },
  podUid: `uid-x-${name}`,
  device: `veth-${name}`,
  ifindex: 7,
  kind: 'routed',
  addresses: ['10.244.1.11' as LinkBinding['addresses'][number]],
  ...change,
});

const at = (...addresses: readonly string[]): PodOptions => ({ addresses });
const linkOf = (one: LinkBinding): ClusterChange => linkChange(one.ifindex, one);

test('a link changes nothing while its pod has an object', () => {
  const { apply, podChange, lines } = compiled();
  apply(podChange('a.x', at('10.244.1.11')));
  const before = lines();
  apply(linkOf(binding('a')));
  expect(lines()).toEqual(before);
  expect(before).toEqual(['a 10.244.1.11 x/p open']);
});

test.each<[string, (podChange: ReturnType<typeof compiled>['podChange']) => ClusterChange, string]>([
  ['gone', () => ({ kind: 'pod', ref: { namespace: 'x', name: 'a' } }), 'a 10.244.1.11 closed closed 7'],
  ['finished', (change) => change('a.x', { ...at('10.244.1.11'), phase: 'Failed' }), 'a 10.244.1.11 closed closed 7'],
  ['without addresses', (change) => change('a.x', at()), 'a 10.244.1.11 x/p open 7'],
  ['of another uid', (change) => change('a.x', { ...at('10.244.1.20'), uid: 'new' }), 'a 10.244.1.11 closed closed 7'],
])('an object that is %s: closed or as it was, and no peer any more', (_, change, expected) => {
  const { apply, podChange, lines, peers } = compiled();
  apply(podChange('a.x', at('10.244.1.11')), linkOf(binding('a')));
  apply(podChange('b.x', at('10.244.1.12')));
  expect(peers()).toEqual(['10.244.1.11', '10.244.1.12']);
  apply(change(podChange));
  expect(lines()).toContain(expected);
  expect(peers()).not.toContain('10.244.1.11');
  apply(linkChange(7, undefined));
  expect(lines()).not.toContain(expected);
});

test('the same whatever came first', () => {
  const { apply, lines } = compiled();
  apply(linkOf(binding('a')));
  expect(lines()).toEqual(['a 10.244.1.11 closed closed 7']);
});

test('an address that another pod has now is no longer the old link’s', () => {
  const { apply, podChange, lines } = compiled();
  apply(linkOf(binding('a')));
  apply(podChange('b.x', at('10.244.1.11')));
  expect(lines()).toEqual(['b 10.244.1.11 x/p open']);
  apply({ kind: 'pod', ref: { namespace: 'x', name: 'b' } });
  expect(lines()).toEqual(['a 10.244.1.11 closed closed 7']);
});

test('of two live pods with one address, the one whose link has it', () => {
  const { apply, podChange, lines } = compiled();
  apply(podChange('a.x', at('10.244.1.11')), linkOf(binding('a')));
  apply(podChange('b.other', { ...at('10.244.1.11'), created: '2026-06-01T00:00:00Z' }));
  expect(lines()).toEqual(['a 10.244.1.11 x/p open']);
  // Handed over: the link's pod has no object any more.
  apply({ kind: 'pod', ref: { namespace: 'x', name: 'a' } });
  expect(lines()).toEqual(['b 10.244.1.11 open open']);
});

test('without a link, the newer pod', () => {
  const { apply, podChange, lines } = compiled();
  apply(podChange('a.x', at('10.244.1.11')));
  apply(podChange('b.other', { ...at('10.244.1.11'), created: '2026-06-01T00:00:00Z' }));
  expect(lines()).toEqual(['b 10.244.1.11 open open']);
});

test('its policies change while its status has no address', () => {
  const { apply, podChange, lines } = compiled();
  apply(podChange('a.x', at('10.244.1.11')), linkOf(binding('a')));
  apply(podChange('a.x', at()));
  apply({ kind: 'policy', ref: { kind: 'NetworkPolicy', namespace: 'x', name: 'p' } });
  expect(lines()).toEqual(['a 10.244.1.11 open open 7']);
});

test('a live pod whose status has another address is at another link: this one is closed', () => {
  const { apply, podChange, lines } = compiled();
  apply(podChange('a.x', at('10.244.1.11')));
  apply(linkOf(binding('a')));
  apply(podChange('a.x', at('10.244.1.12')));
  expect(lines()).toEqual(['a 10.244.1.12 x/p open', 'a 10.244.1.11 closed closed 7']);
});
