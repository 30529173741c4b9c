/** What lint calls redundant or vacuous can be removed, and the same connections are allowed. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileInput } from '../../src/analysis/compiled-input.js';
import { Reach } from '../../src/analysis/reachability.js';
import { diffReachability, type ReachabilitySnapshot } from '../../src/analysis/reach-diff.js';
import { lint } from '../../src/lint/engine.js';
import { LintInputCollector } from '../../src/lint/lint-input-collector.js';
import { documentWithoutText } from '../../src/manifests/documents.js';
import { ManifestCollector } from '../../src/manifests/manifest-collector.js';
import { cases, seed } from '../support/seed.js';

interface Rule {
  readonly from?: readonly object[];
  readonly to?: readonly object[];
  readonly ports?: readonly object[];
}
interface Policy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>> & Partial<Record<'ingress' | 'egress', readonly Rule[]>>;
}

const selector = fc.constantFrom<object>(
  {},
  { matchLabels: { app: 'a' } },
  { matchLabels: { app: 'b' } },
  { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] },
  { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] },
  { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
  { matchLabels: { app: 'a', tier: 'x' } },
);
const peer = fc.oneof(
  selector.map((podSelector) => ({ podSelector })),
  selector.map((podSelector) => ({ podSelector, namespaceSelector: {} })),
  fc.constantFrom({ ipBlock: { cidr: '10.0.0.0/8' } }, { ipBlock: { cidr: '10.1.0.0/16' } }),
);
const port = fc.constantFrom({ port: 80 }, { port: 80, endPort: 90 }, { protocol: 'TCP' }, { port: 'http' });
const rule = (peers: 'from' | 'to'): fc.Arbitrary<Rule> =>
  fc.oneof(
    fc.constant({}),
    fc.record(
      {
        [peers]: fc.array(peer, { minLength: 1, maxLength: 2 }),
        ports: fc.array(port, { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  );
const spec = fc
  .record({
    podSelector: selector,
    ingress: fc.option(fc.array(rule('from'), { maxLength: 2 }), { nil: undefined }),
    egress: fc.option(fc.array(rule('to'), { maxLength: 2 }), { nil: undefined }),
    isBroken: fc.nat({ max: 11 }).map((number) => number === 0),
  })
  .map(({ podSelector, ingress, egress, isBroken }) => ({
    podSelector,
    policyTypes: [...(ingress === undefined && egress !== undefined ? [] : ['Ingress']), ...(egress ? ['Egress'] : [])],
    ...(ingress && { ingress }),
    ...(isBroken ? { egress: [{ to: [{ ipBlock: { cidr: 'nowhere' } }] }] } : egress && { egress }),
  }));
const policies: fc.Arbitrary<readonly Policy[]> = fc
  .array(fc.record({ spec, isDryRun: fc.nat({ max: 4 }).map((number) => number === 0) }), {
    minLength: 2,
    maxLength: 4,
  })
  .map((all) =>
    all.map(({ spec: of, isDryRun }, index) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: {
        name: `p${index}`,
        namespace: 'shop',
        ...(isDryRun ? { annotations: { 'podwall.dev/mode': 'dry-run' } } : {}),
      },
      spec: of,
    })),
  );

const labels = [{}, { app: 'a' }, { app: 'b' }, { app: 'c' }, { app: 'a', tier: 'x' }];
const pods = ['shop', 'other'].flatMap((namespace) =>
  labels.map((own, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod${index}`, namespace, labels: own },
    spec: { containers: [{ name: 'main', image: 'x', ports: [{ name: 'http', containerPort: 80 + index }] }] },
  })),
);

const findingsIn = (all: readonly Policy[]) => {
  const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
  for (const object of [...pods, ...all]) collector.takeDocument(documentWithoutText('memory', object));
  return lint(collector.input(true).input).filter((one) => ['NP408', 'NP409', 'NP410'].includes(one.rule));
};

function reachOf(all: readonly Policy[], includeDryRun: boolean): ReachabilitySnapshot {
  const collector = new ManifestCollector({ strict: true });
  for (const object of [...pods, ...all]) collector.takeDocument(documentWithoutText('memory', object));
  const input = compileInput(collector.objects(), { ipBlocks: 'cluster', podCidrs: [], includeDryRun });
  const { endpoints, connections } = new Reach(input.workloads, input.program, { ...input.blocks, self: true });
  return { input, endpoints, connections };
}

/** Without what a finding names: a whole policy, one of its rules, or one peer of a rule. */
function without(all: readonly Policy[], { object, pointer }: ReturnType<typeof findingsIn>[number]): Policy[] {
  const path = pointer.split('/').slice(1);
  if (path.length === 1) return all.filter(({ metadata }) => metadata.name !== object.name);
  return all.map((policy) => {
    if (policy.metadata.name !== object.name) return policy;
    const copy = structuredClone(policy);
    const index = Number(path.at(-1));
    const list = path.slice(0, -1).reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], copy);
    (list as unknown[]).splice(index, 1);
    return copy;
  });
}

test('removing what is redundant or vacuous changes nothing that is reachable', () => {
  fc.assert(
    fc.property(policies, fc.boolean(), (all, includeDryRun) => {
      for (const finding of findingsIn(all)) {
        const [before, after] = [reachOf(all, includeDryRun), reachOf(without(all, finding), includeDryRun)];
        const { connections } = diffReachability(before, after, includeDryRun ? 'none' : 'annotated');
        expect({ finding: [finding.rule, finding.object, finding.pointer], connections }).toMatchObject({
          connections: [],
        });
      }
    }),
    { seed, numRuns: cases(60) },
  );
}, 60_000);

test('they are found all the same where nothing depends on them', () => {
  const policy = (name: string, of: object): Policy => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'shop' },
    spec: of as Policy['spec'],
  });
  const open = policy('open', { podSelector: { matchLabels: { app: 'a' } }, ingress: [{}] });
  const deny = (app: string): Policy => policy(`deny-${app}`, { podSelector: { matchLabels: { app } }, ingress: [] });
  const rulesFor = (...all: readonly Policy[]): readonly string[] => findingsIn(all).map((one) => one.rule);
  expect(rulesFor(open)).toEqual(['NP410']);
  expect(rulesFor(open, deny('b'))).toEqual(['NP410']);
  expect(rulesFor(open, deny('a'))).toEqual([]);
  const http = { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] };
  expect(rulesFor(policy('one', http), policy('two', http))).toEqual(['NP408']);
});
