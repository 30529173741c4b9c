import { describe, expect, test } from '@jest/globals';
import { logsAllowed } from '../../src/model/audit-annotation.js';
import { isDryRun, modeIn } from '../../src/model/policy-mode.js';
import { formatPath, type Diagnostic } from '../../src/model/diagnostic.js';
import { invalidPolicies } from '../cases/invalid-policies.js';
import { parseIdentity, parseNamespace, parseNetworkPolicy, parseNode, parsePod } from '../../src/model/parse.js';

const policyOf = (spec: unknown, strict = true) => {
  const parsed = parseNetworkPolicy({ metadata: { name: 'p', namespace: 'shop' }, spec }, { strict });
  if (!parsed.ok) throw new Error('no policy');
  return parsed;
};
const problemsOf = (spec: unknown, strict = true): string[] =>
  policyOf(spec, strict).diagnostics.map((one) => `${one.severity} ${formatPath(one.path)}: ${one.message}`);

describe('defaults', () => {
  test.each([
    ['no spec at all is deny ingress', undefined, { ingress: [] }],
    ['podSelector null is everything', { podSelector: null }, { ingress: [], appliesTo: { requirements: [] } }],
    ['egress rules add Egress', { egress: [{}] }, { ingress: [], egress: [{ peers: 'anyone', ports: 'anyPort' }] }],
    ['an empty egress list does not', { policyTypes: [], egress: [] }, { ingress: [] }],
    ['rules of a type that is not listed are ignored', { policyTypes: ['Egress'], ingress: [{}] }, { egress: [] }],
    ['from: [] is everyone', { ingress: [{ from: [] }] }, { ingress: [{ peers: 'anyone', ports: 'anyPort' }] }],
    [
      'ports: [{}] is all of TCP',
      { ingress: [{ ports: [{}] }] },
      { ingress: [{ peers: 'anyone', ports: [{ kind: 'all', protocol: 'TCP' }] }] },
    ],
    [
      'endPort',
      { ingress: [{ ports: [{ port: 80, endPort: 90, protocol: 'UDP' }] }] },
      { ingress: [{ ports: [{ kind: 'range', protocol: 'UDP', first: 80, last: 90 }] }] },
    ],
  ])('%s', (_, spec, expected) => {
    const { value, diagnostics } = policyOf(spec);
    expect(diagnostics).toEqual([]);
    expect(value).toMatchObject({ kind: 'policy', ...expected });
  });
});

describe('validation, with the API server’s words', () => {
  const ingress = (rule: unknown) => ({ ingress: [rule] });
  test.each([
    [
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      "spec.podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] } },
      "spec.podSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ],
    [
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'in', values: ['x'] }] } },
      'operator: Invalid value: "in": not a valid selector operator',
    ],
    [
      { podSelector: { matchLabels: { app: 6 } } },
      'spec.podSelector.matchLabels.app: must be a string, not the number 6 (quote it)',
    ],
    [ingress({ ports: [{ protocol: 'tcp' }] }), 'spec.ingress[0].ports[0].protocol: Unsupported value: "tcp"'],
    [
      ingress({ ports: [{ port: 0 }] }),
      'spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [ingress({ ports: [{ port: '80' }] }), 'must contain at least one letter (a-z)'],
    [
      ingress({ ports: [{ port: 90, endPort: 80 }] }),
      'endPort: Invalid value: 90: must be greater than or equal to `port`',
    ],
    [ingress({ ports: [{ endPort: 80 }] }), 'may not be specified when `port` is not specified'],
    [ingress({ ports: [{ port: 'http', endPort: 80 }] }), 'may not be specified when `port` is non-numeric'],
    [
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/33' } }] }),
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/33": must be a valid CIDR value',
    ],
    [ingress({ from: [{ ipBlock: { cidr: '' } }] }), 'ipBlock.cidr: Required value'],
    [
      ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }),
      'Forbidden: may not specify both ipBlock and another peer',
    ],
    [
      { policyTypes: ['Ingress, Egress'] },
      'spec.policyTypes[0]: Unsupported value: "Ingress, Egress": supported values: "Ingress", "Egress"',
    ],
    [{ policyTypes: ['Ingress', 'Egress', 'Ingress'] }, 'may not specify more than two policyTypes'],
    [ingress({ form: [{ podSelector: {} }] }), 'spec.ingress[0].form: unknown field "form"; did you mean "from"?'],
    [ingress({ from: [{ podselector: {} }] }), 'unknown field "podselector"; did you mean "podSelector"?'],
  ])('%j', (spec, message) => {
    expect(problemsOf(spec).join('\n')).toContain(message);
    expect(policyOf(spec).value.kind).toBe('broken');
  });
});

describe('what the API server refuses', () => {
  test.each(invalidPolicies)('$title', ({ name = 'p', spec, says }) => {
    const { diagnostics } = parseNetworkPolicy({ metadata: { name, namespace: 'shop' }, spec }, { strict: true });
    const messages = diagnostics.map(({ path, message }) => `${formatPath(path)}: ${message}`);
    expect(messages).toEqual([expect.stringContaining(says)]);
    expect(messages[0]?.startsWith(says)).toBe(true);
  });
});

describe('a broken policy fails closed', () => {
  test('in its own directions, on what its selector says', () => {
    const { value } = policyOf({
      podSelector: { matchLabels: { app: 'a' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: 'x' } }] }],
    });
    expect(value).toMatchObject({
      kind: 'broken',
      directions: ['egress'],
      appliesTo: { requirements: [{ key: 'app' }] },
    });
  });

  test('in both directions and the whole namespace when neither can be read', () => {
    const { value } = policyOf({ podSelector: { matchLabels: 5 }, policyTypes: ['Sideways'] });
    expect(value).toMatchObject({ kind: 'broken', directions: ['ingress', 'egress'], appliesTo: 'wholeNamespace' });
  });

  test('an unknown field that the API server would have pruned is only a warning from there', () => {
    expect(policyOf({ ingress: [{ form: [] }] }, false).value.kind).toBe('policy');
  });
});

describe('what has a meaning is kept', () => {
  test('host bits are masked, with a warning', () => {
    const spec = { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.5/24' } }] }] };
    expect(problemsOf(spec)).toEqual([expect.stringMatching(/^warning spec\.ingress\[0\].*10\.0\.0\.0\/24/)]);
    expect(policyOf(spec).value.kind).toBe('policy');
  });

  test('an empty peer matches nobody, and the other rules stay', () => {
    const { value } = policyOf({ ingress: [{ from: [{}] }, { from: [{ podSelector: {} }] }] });
    expect(value.kind).toBe('policy');
    expect(value.kind === 'policy' && value.ingress?.[0]?.peers).not.toBe('anyone');
    expect(value.kind === 'policy' && value.ingress?.length).toBe(2);
    expect(problemsOf({ ingress: [{ from: [{}] }] }).join()).toContain('must specify a peer');
  });
});

describe('pods, namespaces and nodes', () => {
  const pod = (extra: object) => ({ metadata: { name: 'a', namespace: 'x', labels: { app: 'a' } }, ...extra });

  test('named ports of containers and sidecars count, those of other init containers do not', () => {
    const ports = (name: string) => [{ name, containerPort: 80 }, { containerPort: 81 }];
    const parsed = parsePod(
      pod({
        spec: {
          containers: [{ ports: ports('main') }],
          initContainers: [{ restartPolicy: 'Always', ports: ports('side') }, { ports: ports('init') }],
        },
      }),
    );
    expect(parsed.ok && parsed.value.ports.map(({ name }) => name)).toEqual(['main', 'side']);
  });

  test('who asks gets the ports without a name, and those that probes knock at', () => {
    const container = {
      ports: [{ containerPort: 81, protocol: 'UDP' }],
      readinessProbe: { httpGet: { port: 82 } },
      livenessProbe: { tcpSocket: { port: 'http' }, grpc: { port: 83 } },
    };
    const object = pod({ spec: { containers: [container], initContainers: [container] } });
    const portsOf = (parsed: ReturnType<typeof parsePod>) => parsed.ok && parsed.value.ports;
    expect(portsOf(parsePod(object))).toEqual([]);
    expect(portsOf(parsePod(object, { unnamedPorts: true }))).toEqual([
      { name: '', protocol: 'UDP', port: 81 },
      { name: '', protocol: 'TCP', port: 83 },
      { name: '', protocol: 'TCP', port: 82 },
    ]);
  });

  test('hostIPs, else hostIP: addresses of the node that it runs on', () => {
    const hostAddresses = (status: object) => {
      const read = parsePod({ metadata: { name: 'p' }, status });
      return read.ok ? read.value.hostAddresses : read.diagnostics;
    };
    expect(hostAddresses({ hostIP: '10.0.0.9', hostIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00::1' }] })).toEqual([
      '10.0.0.1',
      'fd00::1',
    ]);
    expect(hostAddresses({ hostIP: '10.0.0.9' })).toEqual(['10.0.0.9']);
    expect(hostAddresses({})).toBeUndefined();
  });

  test('all of podIPs, else podIP; one that is no address is left out with a warning', () => {
    const addresses = (status: object) => {
      const parsed = parsePod(pod({ status }));
      return parsed.ok ? parsed.value.addresses : undefined;
    };
    expect(addresses({ podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00::1' }], podIP: '10.0.0.9' })).toEqual([
      '10.0.0.1',
      'fd00::1',
    ]);
    expect(addresses({ podIP: '10.0.0.9' })).toEqual(['10.0.0.9']);
    expect(addresses({ podIPs: [{ ip: 'nonsense' }] })).toEqual([]);
  });

  test('a namespace carries its name as a label', () => {
    const parsed = parseNamespace({ metadata: { name: 'x' } });
    expect(parsed.ok && parsed.value.labels).toEqual({ 'kubernetes.io/metadata.name': 'x' });
  });

  test('a node’s own addresses and pod ranges', () => {
    const addresses = [
      { type: 'InternalIP', address: '172.30.0.1' },
      { type: 'Hostname', address: 'n1' },
    ];
    const parsed = parseNode({ metadata: { name: 'n1' }, spec: { podCIDR: '10.0.0.0/24' }, status: { addresses } });
    expect(parsed.ok && parsed.value).toMatchObject({
      addresses: ['172.30.0.1'],
      podCidrs: [{ address: '10.0.0.0', prefix: 24 }],
    });
  });

  test.each([[null], ['text'], [{ kind: 'Pod' }], [{ kind: 'Pod', apiVersion: 'v1', metadata: { name: 5 } }]])(
    '%j has no identity, and says why',
    (object) => {
      const parsed = parseIdentity(object);
      expect(parsed.ok).toBe(false);
      expect(parsed.diagnostics.length).toBeGreaterThan(0);
    },
  );
});

describe('annotations of the audit log', () => {
  const messages = ({ diagnostics }: { readonly diagnostics: readonly Diagnostic[] }): string[] =>
    diagnostics.map(({ severity, code, path, message }) => `${severity} ${code} ${formatPath(path)}: ${message}`);
  const policyWith = (annotations: unknown, spec: unknown = {}) => {
    const parsed = parseNetworkPolicy(
      { metadata: { name: 'p', namespace: 'shop', annotations }, spec },
      { strict: true },
    );
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
    return parsed;
  };
  const namespaceWith = (annotations: unknown) => {
    const parsed = parseNamespace({ metadata: { name: 'shop', annotations } });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
    return parsed;
  };
  const unknownMode = (value: string): string =>
    `error unknown-mode metadata.annotations.podwall.dev/mode: Unsupported value: "${value}": supported values: "dry-run", "enforce"; it is enforced`;
  const renamedMode =
    'error renamed-mode metadata.annotations.podwall.dev/mode: "audit" is now "dry-run": it is read as "dry-run"; write podwall.dev/mode: dry-run';

  test.each([
    ['dry-run', 'dry-run', []],
    ['audit', 'dry-run', [renamedMode]],
    ['enforce', undefined, []],
    ['Dry-Run', undefined, [unknownMode('Dry-Run')]],
    ['Audit', undefined, [unknownMode('Audit')]],
    [' dry-run', undefined, [unknownMode(' dry-run')]],
    ['', undefined, [unknownMode('')]],
  ])('mode %j of a policy, and of a broken one', (value, mode, warnings) => {
    const whole = policyWith({ 'podwall.dev/mode': value });
    expect([whole.value.kind, whole.value.mode, messages(whole)]).toEqual(['policy', mode, warnings]);
    const broken = policyWith({ 'podwall.dev/mode': value }, { ingress: [{ ports: [{ port: 0 }] }] });
    expect([broken.value.kind, broken.value.mode]).toEqual(['broken', mode]);
    expect(messages(broken)).toEqual(expect.arrayContaining(warnings));
    const unreadable = policyWith({ 'podwall.dev/mode': value }, { podSelector: 7 });
    expect([unreadable.value.kind, unreadable.value.mode]).toEqual(['broken', mode]);
  });

  test.each([
    [{}, 'enforce', false, []],
    [{ 'podwall.dev/mode': 'dry-run' }, 'dry-run', false, []],
    [{ 'podwall.dev/mode': 'audit' }, 'dry-run', false, [renamedMode]],
    [{ 'podwall.dev/mode': 'dryrun' }, 'enforce', false, [unknownMode('dryrun')]],
    [{ 'podwall.dev/audit': 'deny,allow' }, 'enforce', true, []],
    [{ 'podwall.dev/audit': ' allow , ' }, 'enforce', true, []],
    [{ 'podwall.dev/audit': 'deny' }, 'enforce', false, []],
    [
      { 'podwall.dev/audit': 'deny,Allow' },
      'enforce',
      false,
      [
        'warning unknown-audit metadata.annotations.podwall.dev/audit: Unsupported value: "Allow": supported values: "allow", "deny"',
      ],
    ],
  ] as const)('of a namespace: %j', (annotations, mode, allows, warnings) => {
    const parsed = namespaceWith(annotations);
    const { annotations: own } = parsed.value;
    expect([modeIn(own), logsAllowed(own), messages(parsed)]).toEqual([mode, allows, warnings]);
  });

  test('a policy is in a dry run by its own annotation or by its namespace, whatever it says itself', () => {
    const [dryRun, plain] = ['dry-run', 'enforce'].map((mode) => namespaceWith({ 'podwall.dev/mode': mode }).value);
    const [annotated, enforced] = ['dry-run', 'enforce'].map((mode) => policyWith({ 'podwall.dev/mode': mode }).value);
    expect([
      isDryRun(enforced ?? {}, dryRun),
      isDryRun(enforced ?? {}, plain),
      isDryRun(annotated ?? {}, plain),
    ]).toEqual([true, false, true]);
    expect(isDryRun(enforced ?? {}, undefined)).toBe(false);
  });
});
