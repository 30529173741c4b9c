/**
 * What the API server refuses, row by row, in its own words (SEMANTICS A9): field path, then kind and detail. Our
 * diagnostics begin with the same text, and may add what helps.
 */

export interface InvalidPolicy {
  readonly title: string;
  readonly name?: string;
  readonly spec: object;
  readonly says: string;
}

const ingress = (rule: object): object => ({ podSelector: {}, ingress: [rule] });
const port = (entry: object): object => ingress({ ports: [entry] });
const block = (ipBlock: object): object => ingress({ from: [{ ipBlock }] });
const selecting = (requirement: object): object => ({ podSelector: { matchExpressions: [requirement] } });

const [portPath, cidrPath] = ['spec.ingress[0].ports[0]', 'spec.ingress[0].from[0].ipBlock'];
const expression = 'spec.podSelector.matchExpressions[0]';
const outOfRange = 'must be between 1 and 65535, inclusive';
const noCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
const noSubset = 'must be a strict subset of `cidr`';

export const invalidPolicies: readonly InvalidPolicy[] = [
  {
    title: 'a name in capitals',
    name: 'Web',
    spec: { podSelector: {} },
    says: 'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
  },
  {
    title: 'In without values',
    spec: selecting({ key: 'app', operator: 'In' }),
    says: `${expression}.values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
  },
  {
    title: 'NotIn without values, in a peer',
    spec: ingress({ from: [{ podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: [] }] } }] }),
    says: "spec.ingress[0].from[0].podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
  },
  {
    title: 'Exists with values',
    spec: selecting({ key: 'app', operator: 'Exists', values: ['web'] }),
    says: `${expression}.values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
  },
  {
    title: 'DoesNotExist with values, in a namespaceSelector',
    spec: ingress({
      from: [{ namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'DoesNotExist', values: ['b'] }] } }],
    }),
    says: "spec.ingress[0].from[0].namespaceSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
  },
  {
    title: 'an operator in lower case',
    spec: selecting({ key: 'app', operator: 'in', values: ['web'] }),
    says: `${expression}.operator: Invalid value: "in": not a valid selector operator`,
  },
  {
    title: 'a key with a blank',
    spec: selecting({ key: 'my app', operator: 'Exists' }),
    says: `${expression}.key: Invalid value: "my app": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
  },
  {
    title: 'a key without a name behind its prefix',
    spec: selecting({ key: 'example.com/', operator: 'Exists' }),
    says: `${expression}.key: Invalid value: "example.com/": name part must be non-empty`,
  },
  {
    title: 'a key with a bad prefix',
    spec: selecting({ key: 'Example/app', operator: 'Exists' }),
    says: `${expression}.key: Invalid value: "Example/app": prefix part a lowercase RFC 1123 subdomain must consist of`,
  },
  {
    title: 'a label value with a slash',
    spec: { podSelector: { matchLabels: { app: 'a/b' } } },
    says: "spec.podSelector.matchLabels: Invalid value: \"a/b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'",
  },
  {
    title: 'a protocol in lower case',
    spec: port({ protocol: 'tcp', port: 80 }),
    says: `${portPath}.protocol: Unsupported value: "tcp": supported values: `,
  },
  {
    title: 'a protocol that no policy can name',
    spec: port({ protocol: 'ICMP' }),
    says: `${portPath}.protocol: Unsupported value: "ICMP": supported values: `,
  },
  { title: 'port 0', spec: port({ port: 0 }), says: `${portPath}.port: Invalid value: 0: ${outOfRange}` },
  { title: 'port 65536', spec: port({ port: 65_536 }), says: `${portPath}.port: Invalid value: 65536: ${outOfRange}` },
  {
    title: 'a port name of 16 characters',
    spec: port({ port: 'a234567890123456' }),
    says: `${portPath}.port: Invalid value: "a234567890123456": must be no more than 15 `,
  },
  {
    title: 'a port name in capitals',
    spec: port({ port: 'HTTP' }),
    says: `${portPath}.port: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
  },
  {
    title: 'a quoted number',
    spec: port({ port: '80' }),
    says: `${portPath}.port: Invalid value: "80": must contain at least one letter (a-z)`,
  },
  {
    title: 'a port name with two hyphens',
    spec: port({ port: 'a--b' }),
    says: `${portPath}.port: Invalid value: "a--b": must not contain consecutive hyphens`,
  },
  {
    title: 'a port name that begins with a hyphen',
    spec: port({ port: '-a' }),
    says: `${portPath}.port: Invalid value: "-a": must not begin or end with a hyphen`,
  },
  {
    title: 'endPort below port',
    spec: port({ port: 90, endPort: 80 }),
    says: `${portPath}.endPort: Invalid value: 90: must be greater than or equal to \`port\``,
  },
  {
    title: 'endPort out of range',
    spec: port({ port: 90, endPort: 70_000 }),
    says: `${portPath}.endPort: Invalid value: 70000: ${outOfRange}`,
  },
  {
    title: 'endPort behind a name',
    spec: port({ port: 'http', endPort: 90 }),
    says: `${portPath}.endPort: Invalid value: 90: may not be specified when \`port\` is non-numeric`,
  },
  {
    title: 'endPort alone',
    spec: port({ endPort: 90 }),
    says: `${portPath}.endPort: Invalid value: 90: may not be specified when \`port\` is not specified`,
  },
  {
    title: 'an empty peer',
    spec: ingress({ from: [{}] }),
    says: 'spec.ingress[0].from[0]: Required value: must specify a peer',
  },
  {
    title: 'an empty peer of egress',
    spec: { podSelector: {}, egress: [{ to: [{}] }] },
    says: 'spec.egress[0].to[0]: Required value: must specify a peer',
  },
  {
    title: 'a block and a selector in one peer',
    spec: ingress({ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }),
    says: 'spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer',
  },
  { title: 'an empty CIDR', spec: block({ cidr: '' }), says: `${cidrPath}.cidr: Required value` },
  {
    title: 'an address without a prefix',
    spec: block({ cidr: '10.0.0.1' }),
    says: `${cidrPath}.cidr: Invalid value: "10.0.0.1": ${noCidr}`,
  },
  {
    title: 'a prefix that is too long',
    spec: block({ cidr: '10.0.0.0/33' }),
    says: `${cidrPath}.cidr: Invalid value: "10.0.0.0/33": ${noCidr}`,
  },
  {
    title: 'an except that is no CIDR',
    spec: block({ cidr: '10.0.0.0/8', except: ['10.0.0.300/32'] }),
    says: `${cidrPath}.except[0]: Invalid value: "10.0.0.300/32": ${noCidr}`,
  },
  {
    title: 'an except as large as its block',
    spec: block({ cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] }),
    says: `${cidrPath}.except[0]: Invalid value: "10.0.0.0/8": ${noSubset}`,
  },
  {
    title: 'an except outside its block',
    spec: block({ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '11.0.0.0/16'] }),
    says: `${cidrPath}.except[1]: Invalid value: "11.0.0.0/16": ${noSubset}`,
  },
  {
    title: 'an except of the other family',
    spec: block({ cidr: '10.0.0.0/8', except: ['fd00::/64'] }),
    says: `${cidrPath}.except[0]: Invalid value: "fd00::/64": ${noSubset}`,
  },
  {
    title: 'three policyTypes',
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress', 'Ingress'] },
    says: 'spec.policyTypes: Invalid value: ',
  },
  {
    title: 'an unknown policyType',
    spec: { podSelector: {}, policyTypes: ['ingress'] },
    says: 'spec.policyTypes[0]: Unsupported value: "ingress": supported values: ',
  },
];
