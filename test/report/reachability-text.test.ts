import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileWorkloads } from '../../src/analysis/compiled-workloads.js';
import { Reach } from '../../src/analysis/reachability.js';
import { workloadsOf } from '../../src/analysis/workloads.js';
import { ManifestCollector } from '../../src/manifests/manifest-collector.js';
import type { GroupedConnection, GroupedReachability, PortSet, ReachEndpoint } from '../../src/model/reachability.js';
import { printGroups } from '../../src/report/reachability-text.js';
import '../support/seed.js';

const textOf = (grouped: GroupedReachability, endpoints: readonly ReachEndpoint[]): string =>
  [...printGroups(grouped, { endpoints, warnings: [], isWhole: true })].join('');

/** `Deployment/{a, b}, all of {x, y}, z/Pod/c`, taken apart; what stands in braces is no border. */
const partsOf = (text: string): readonly string[] => text.split(/, (?![^{]*\})/);
const inBraces = (text: string): readonly string[] => text.replaceAll(/[{}]/g, '').split(', ');

/** Reads the text as a person would: every pair that it names, as `from -> to: ports`. */
function pairsIn(text: string, endpoints: readonly ReachEndpoint[]): readonly string[] {
  const workloads = endpoints.filter(({ kind }) => kind === 'workload').map(({ id }) => id);
  const external = endpoints.filter(({ kind }) => kind === 'external').map(({ id }) => id);
  const idsOf = (words: string, home: string): readonly string[] =>
    partsOf(words).flatMap((part): readonly string[] => {
      const [, but] = /^every workload but (.*)$/.exec(part) ?? [];
      if (but !== undefined) {
        const left = but.split(' and ').flatMap((one) => idsOf(one, home));
        return workloads.filter((id) => !left.includes(id));
      }
      if (part === 'every workload') return workloads;
      if (part === 'the internet') return external;
      const [, whole] = /^all of (.*)$/.exec(part) ?? [];
      if (whole !== undefined)
        return inBraces(whole).flatMap((name) => workloads.filter((id) => id.startsWith(`${name}/`)));
      if (external.includes(part)) return [part];
      const [, prefix = '', names = ''] = /^(.*\/)(\{.*\}|[^/]+)$/.exec(part) ?? [];
      const qualified = prefix.split('/').length === 2 ? `${home}/${prefix}` : prefix;
      return inBraces(names).map((name) => `${qualified}${name}`);
    });
  const pairs: string[] = [];
  let [home, to] = ['', new Array<string>()];
  for (const line of text.split('\n').slice(1)) {
    const [, indent = '', words = ''] = /^( *)(.*)$/.exec(line) ?? [];
    if (indent === '') home = words;
    else if (indent.length === 2) to = words === 'each of these' ? headsBelow(text, line) : [...idsOf(words, home)];
    else {
      const [, ports = '', from = ''] = /^(.*?) +from (.*)$/.exec(words) ?? [];
      if (from === '') continue;
      for (const source of idsOf(from, home))
        for (const target of to) if (source !== target) pairs.push(`${source} -> ${target}: ${ports}`);
    }
  }
  return [...new Set(pairs)].sort();

  function headsBelow(whole: string, line: string): string[] {
    const section = whole.slice(whole.indexOf(`\n${home}\n${line}\n`)).split('\n\n')[0] ?? '';
    return [...section.matchAll(/^ {2}(\S.*)$/gm)]
      .map(([, words = '']) => words)
      .filter((words) => words !== 'each of these')
      .flatMap((words) => idsOf(words, home));
  }
}

const ports = (first: number): PortSet => [{ protocol: 'TCP', first, last: first }];
const everything: PortSet = (['SCTP', 'TCP', 'UDP'] as const).map((protocol) => ({ protocol, first: 1, last: 65_535 }));
const texts = new Map<PortSet, string>([
  [ports(80), 'TCP 80'],
  [everything, 'all ports'],
]);

/** Workloads of a few namespaces in classes that fare alike, and what each class may reach. */
const reachabilities = fc
  .record({
    classes: fc.array(fc.nat(4), { minLength: 3, maxLength: 9 }),
    outside: fc.nat(2),
    table: fc.array(fc.nat(3), { minLength: 64, maxLength: 64 }),
  })
  .map(({ classes, outside, table }) => {
    const endpoints: ReachEndpoint[] = classes.map((_, index) => {
      const [namespace, name, kind] = [`ns${index % 3}`, `w${index}`, index % 4 === 0 ? 'Pod' : 'Deployment'];
      return { id: `${namespace}/${kind}/${name}`, kind: 'workload', namespace, workload: { kind, name }, labels: {} };
    });
    const groups = [0, 1, 2, 3, 4]
      .map((one) => endpoints.filter((__, index) => classes[index] === one).map(({ id }) => id))
      .filter((members) => members.length > 0);
    for (let index = 0; index < outside; index += 1) {
      const id = `${index + 1}.0.0.0-${index + 1}.255.255.255`;
      endpoints.push({
        id,
        kind: 'external',
        first: `${index + 1}.0.0.0`,
        last: `${index + 1}.255.255.255`,
      } as ReachEndpoint);
      groups.push([id]);
    }
    const isOutside = (group: number): boolean => groups[group]?.[0]?.includes('.') === true;
    const connections = groups.flatMap((members, to) =>
      groups.flatMap((__, from): readonly GroupedConnection[] => {
        const allowed = [undefined, ...texts.keys()][(table[from * 8 + to] ?? 0) % 3];
        if (allowed === undefined || (isOutside(from) && isOutside(to))) return [];
        return from === to && members.length === 1 ? [] : [{ from, to, allowed, assumed: false }];
      }),
    );
    return { endpoints, grouped: { groups, destinations: [...groups.keys()], connections } };
  });

test('what it says is what may be reached: read back, every pair and no other', () => {
  fc.assert(
    fc.property(reachabilities, ({ endpoints, grouped }) => {
      const expected = grouped.connections.flatMap(({ from, to, allowed }) =>
        (grouped.groups[from] ?? []).flatMap((source) =>
          (grouped.groups[to] ?? []).flatMap((target) =>
            source === target ? [] : [`${source} -> ${target}: ${texts.get(allowed) ?? ''}`],
          ),
        ),
      );
      expect(pairsIn(textOf(grouped, endpoints), endpoints)).toEqual(expected.sort());
    }),
    { numRuns: 500 },
  );
});

describe('a cluster of 300 workloads', () => {
  const teams = Array.from({ length: 20 }, (_, index) => `team${String(index).padStart(2, '0')}`);
  const roles = ['web', 'api', 'worker', 'db', 'cache'] as const;
  const listens = { web: 80, api: 8080, worker: 9000, db: 5432, cache: 6379 };
  const workload = (namespace: string, name: string, labels: object, port: number): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { template: { metadata: { labels }, spec: { containers: [{ ports: [{ containerPort: port }] }] } } },
  });
  const policy = (namespace: string, name: string, spec: object): object => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: { podSelector: {}, ...spec },
  });
  const role = (name: string): object => ({ podSelector: { matchLabels: { role: name } } });
  const namespace = (name: string): object => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  });
  const lets = (to: string, from: readonly object[], port: number): object => ({
    ...role(to),
    ingress: [{ from, ports: [{ port }] }],
  });
  const objects = [
    workload('monitoring', 'prometheus', {}, 9090),
    workload('monitoring', 'grafana', {}, 3000),
    workload('edge', 'ingress', {}, 80),
    ...teams.flatMap((team, index) => [
      ...Array.from({ length: 15 }, (_, number) => {
        const of = roles[number % roles.length] ?? 'web';
        return workload(team, `${of}-${number}`, { role: of }, listens[of]);
      }),
      // Every fifth team has no policies.
      ...(index % 5 === 4
        ? []
        : [
            policy(team, 'default-deny', { policyTypes: ['Ingress'] }),
            policy(team, 'scrape', { ingress: [{ from: [namespace('monitoring')], ports: [{ port: 9100 }] }] }),
            policy(team, 'web', lets('web', [namespace('edge')], 80)),
            policy(team, 'api', lets('api', [role('web')], 8080)),
            policy(team, 'db', lets('db', [role('api'), role('worker')], 5432)),
            policy(team, 'cache', lets('cache', [role('api')], 6379)),
          ]),
    ]),
  ];

  const collector = new ManifestCollector({ strict: true });
  collector.takeText(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), 'cluster.json');
  const inputs = collector.objects();
  const workloads = workloadsOf(inputs.pods, inputs.policies);
  const reach = new Reach(workloads, compileWorkloads(workloads, inputs), {
    ipBlocks: 'cluster',
    podCidrs: [],
    self: false,
  });
  const endpoints = reach.listed.map(({ endpoint }) => endpoint);
  const text = textOf(reach.grouped(), endpoints);

  test('fits a few screens, in lines that can be read', () => {
    expect(workloads).toHaveLength(303);
    const lines = text.split('\n');
    expect(lines.length).toBeLessThan(300);
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
  });

  test('says first how much is open, then what is alike, then namespace by namespace', () => {
    expect(text.split('\n').slice(0, 29).join('\n'))
      .toBe(`303 workloads in 22 namespaces, 63 open to the internet on all ports, 0 to nobody

alike in several namespaces
  all of {monitoring, team04, team09, team14, team19}, edge/Deployment/ingress
    all ports  from every workload, the internet

team00
  all of team00
    TCP 9100  from all of monitoring
  Deployment/{api-1, api-11, api-6}
    TCP 8080  from Deployment/{web-0, web-10, web-5}
  Deployment/{cache-14, cache-4, cache-9}
    TCP 6379  from Deployment/{api-1, api-11, api-6}
  Deployment/{db-13, db-3, db-8}
    TCP 5432  from Deployment/{api-1, api-11, api-6, worker-12, worker-2, worker-7}
  Deployment/{web-0, web-10, web-5}
    TCP 80  from edge/Deployment/ingress
  Deployment/{worker-12, worker-2, worker-7}
    nobody else

team01
  all of team01
    TCP 9100  from all of monitoring
  Deployment/{api-1, api-11, api-6}
    TCP 8080  from Deployment/{web-0, web-10, web-5}
  Deployment/{cache-14, cache-4, cache-9}
    TCP 6379  from Deployment/{api-1, api-11, api-6}
  Deployment/{db-13, db-3, db-8}
    TCP 5432  from Deployment/{api-1, api-11, api-6, worker-12, worker-2, worker-7}`);
  });

  test('every pair that is allowed, and no other', () => {
    const expected = [...reach.connections].map(
      ({ from, to, allowed }) =>
        `${from} -> ${to}: ${allowed.length === 3 ? 'all ports' : allowed.map(({ protocol, first }) => `${protocol} ${first}`).join()}`,
    );
    expect(pairsIn(text, endpoints)).toEqual(expected.sort());
  });
});
