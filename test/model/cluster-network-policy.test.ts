import { describe, expect, test } from '@jest/globals';
import { formatPath } from '../../src/model/diagnostic.js';
import { checkClusterNetworkPolicy } from '../../src/model/parse.js';

const everywhere = { namespaces: {} };
const policy = (spec: object, apiVersion = 'policy.networking.k8s.io/v1alpha2') => ({
  apiVersion,
  kind: 'ClusterNetworkPolicy',
  metadata: { name: 'p' },
  spec: { tier: 'Admin', priority: 0, subject: everywhere, ...spec },
});
const faults = (object: ReturnType<typeof policy>) =>
  checkClusterNetworkPolicy(object, { strict: true })?.map(({ code, path }) => `${code} ${formatPath(path)}`);
const ingress = (rule: object) => policy({ ingress: [{ action: 'Accept', from: [everywhere], ...rule }] });
const egress = (rule: object, apiVersion?: string) =>
  policy({ egress: [{ action: 'Accept', to: [everywhere], ...rule }] }, apiVersion);
const many = <T>(item: T, count = 26): T[] => Array.from({ length: count }, () => item);
const networks = (...list: readonly string[]) => ({ to: [{ networks: list }] });
const domains = (...list: readonly string[]) => ({ to: [{ domainNames: list }] });
const port = (destinationPort: object) => ({ protocols: [{ tcp: { destinationPort } }] });
const [bounds, own] = ['out-of-bounds spec', 'spec.egress[0]'];

describe('a ClusterNetworkPolicy is refused for', () => {
  test.each<readonly [string, ReturnType<typeof policy>, readonly string[]]>([
    ['its tier', policy({ tier: 'admin' }), [`${bounds}.tier`]],
    ['its priority', policy({ priority: 1001 }), [`${bounds}.priority`]],
    ['a priority that is left out', policy({ priority: null }), [`${bounds}.priority`]],
    ['no subject', policy({ subject: {} }), [`${bounds}.subject`]],
    ['two subjects', policy({ subject: { namespaces: {}, pods: { podSelector: {} } } }), [`${bounds}.subject`]],
    ['pods without podSelector', policy({ subject: { pods: {} } }), [`${bounds}.subject.pods.podSelector`]],
    ['26 rules', policy({ ingress: many({ action: 'Deny', from: [everywhere] }) }), [`${bounds}.ingress`]],
    ['the action of AdminNetworkPolicy', ingress({ action: 'Allow' }), [`${bounds}.ingress[0].action`]],
    ['a long name', ingress({ name: 'n'.repeat(101) }), [`${bounds}.ingress[0].name`]],
    ['no peers', ingress({ from: [] }), [`${bounds}.ingress[0].from`]],
    ['26 peers', ingress({ from: many(everywhere) }), [`${bounds}.ingress[0].from`]],
    ['an empty peer', ingress({ from: [{ pods: null }] }), [`${bounds}.ingress[0].from[0]`]],
    ['networks on ingress', ingress({ from: [{ networks: ['10.0.0.0/8'] }] }), [`${bounds}.ingress[0].from[0]`]],
    ['no protocols', ingress({ protocols: [] }), [`${bounds}.ingress[0].protocols`]],
    ['tcp without a port', egress({ protocols: [{ tcp: {} }] }), [`out-of-bounds ${own}.protocols[0].tcp`]],
    ['a port of 0', egress(port({ number: 0 })), [`out-of-bounds ${own}.protocols[0].tcp.destinationPort.number`]],
    [
      'a range of one port',
      egress(port({ range: { start: 80, end: 80 } })),
      [`out-of-bounds ${own}.protocols[0].tcp.destinationPort.range.end`],
    ],
    ['a network twice', egress(networks('10.0.0.0/8', '10.0.0.0/8')), [`out-of-bounds ${own}.to[0].networks[1]`]],
    ['an address for a network', egress(networks('10.0.0.1')), [`invalid-cidr ${own}.to[0].networks[0]`]],
    ['leading zeros', egress(networks('010.0.0.0/8')), [`invalid-cidr ${own}.to[0].networks[0]`]],
    [
      'a wildcard within a label',
      egress(domains('*a.example.com')),
      [`invalid-domain-name ${own}.to[0].domainNames[0]`],
    ],
    [
      'a domain that is denied',
      egress({ action: 'Deny', ...domains('example.com') }),
      [`invalid-domain-name ${own}.to[0].domainNames`],
    ],
    [
      'a named port of networks',
      egress({ ...networks('10.0.0.0/8'), protocols: [{ destinationNamedPort: 'http' }] }),
      [`named-port-without-pods ${own}.protocols[0].destinationNamedPort`],
    ],
    [
      'the habit of NetworkPolicy',
      policy({ subject: { namespaces: { namespaceSelector: {} } } }),
      ['unknown-field spec.subject.namespaces.namespaceSelector'],
    ],
  ])('%s', (_, object, expected) => {
    expect(faults(object)).toEqual(expected);
  });

  test('host bits, which v1alpha2 lets pass', () => {
    const of = (version: string) => {
      const object = egress(networks('10.0.0.1/8'), `policy.networking.k8s.io/${version}`);
      return checkClusterNetworkPolicy(object, { strict: true })?.map(({ code, severity }) => `${severity} ${code}`);
    };
    expect([of('v1alpha2'), of('v1beta1')]).toEqual([['warning cidr-not-canonical'], ['error cidr-not-canonical']]);
  });
});

test('everything that the schema has is taken', () => {
  const named = [{ destinationNamedPort: 'http' }, ...port({ range: { start: 1, end: 65_535 } }).protocols];
  const spec = {
    tier: 'Baseline',
    priority: 1000,
    subject: { pods: { namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: {} } },
    ingress: [{ name: 'n'.repeat(100), action: 'Pass', from: many(everywhere, 25), protocols: named }],
    egress: [
      { action: 'Deny', to: [{ networks: ['0.0.0.0/0', '2001:DB8:0::/48'] }, { nodes: {} }] },
      {
        action: 'Accept',
        ...domains('*.example.com', 'example.com.'),
        protocols: [{ udp: { destinationPort: { number: 53 } } }],
      },
    ],
  };
  expect(faults(policy(spec))).toEqual([]);
  expect(faults(policy(spec, 'policy.networking.k8s.io/v1beta1'))).toEqual([]);
  expect(faults(policy(spec, 'crd.example.com/v1'))).toBeUndefined();
});
