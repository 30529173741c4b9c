/** Near misses of rules that look at a policy by itself, or at little around it. */
import { together, type NearMisses } from './near-misses-texts.js';

const ofWeb = 'podSelector: {matchLabels: {app: web}}';
const ingress = (rule: string): string => `${ofWeb}\npolicyTypes: [Ingress]\ningress:\n  - ${rule}`;
const egress = (rule: string): string => `${ofWeb}\npolicyTypes: [Egress]\negress:\n  - ${rule}`;
const whole = (name: string, namespace: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {podSelector: {}}`;
const object = (apiVersion: string, kind: string, spec: string): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: p, namespace: shop}\nspec: ${spec}`;
const annotated = (mode: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop, annotations: {podwall.dev/mode: ${mode}}}\nspec: {podSelector: {}}`;
const expressions = (list: string): string => `podSelector: {matchExpressions: [${list}]}`;
const block = (cidr: string, except = ''): string => `{ipBlock: {cidr: ${cidr}, except: [${except}]}}`;

export const aloneNearMisses: NearMisses = {
  NP001: {
    'a status, which the server writes': `${whole('p', 'shop')}\nstatus: {}`,
    'every field of a rule': ingress(
      '{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}], ports: [{protocol: TCP, port: 80, endPort: 81}]}',
    ),
  },
  NP000: {
    'a rule that finds something there': `podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.0.0.7/8}}] # podwall-ignore NP011 as written`,
    'a rule that did not run: it asks for the whole cluster': `${ofWeb} # podwall-ignore NP401 comes later`,
  },
  NP002: { 'a key in two items of a list': ingress('from: [{podSelector: {}}, {podSelector: {matchLabels: {a: b}}}]') },
  NP003: {
    "another project's NetworkPolicy": object('crd.projectcalico.org/v1', 'NetworkPolicy', '{selector: all()}'),
    'an old version of something else': object('networking.k8s.io/v1beta1', 'Ingress', '{}'),
  },
  NP004: { 'a name with dots': whole('web.v1.shop', 'shop'), 'a name of digits': whole('"42"', 'shop') },
  NP005: {
    'the same name in two namespaces': together(whole('p', 'shop'), whole('p', 'other')),
    'the same name of another kind': together(whole('p', 'shop'), object('v1', 'Service', '{ports: []}')),
  },
  NP006: { 'the default namespace, by name': whole('p', 'default') },
  NP007: {
    'one type twice': 'podSelector: {}\npolicyTypes: [Ingress, Ingress]',
    'an empty list': 'podSelector: {}\npolicyTypes: []',
  },
  NP008: {
    'every namespace': ingress('from: [{namespaceSelector: {}}]'),
    'a null beside a selector': ingress('from: [{podSelector: {}, namespaceSelector: null}]'),
  },
  NP009: { 'a block beside a null': ingress('from: [{ipBlock: {cidr: 192.0.2.0/24}, podSelector: null}]') },
  NP010: {
    'a whole family': ingress(`from: [${block('"::/0"')}]`),
    'host bits': ingress(`from: [${block('10.0.0.1/8')}]`),
  },
  NP011: {
    'a single host': ingress(`from: [${block('10.0.0.1/32')}]`),
    'IPv6 as RFC 5952 writes it': ingress(`from: [${block('"2001:db8::/32"')}]`),
  },
  NP012: { 'excepts that overlap': ingress(`from: [${block('10.0.0.0/8', '10.1.0.0/16, 10.1.1.0/24')}]`) },
  NP023: {
    'a dollar without braces': ingress('from: [{podSelector: {matchLabels: {app: USD}}}]'),
    'an annotation': `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop, annotations: {note: "set \${APP}"}}\nspec: {podSelector: {}}`,
  },
  NP013: { 'no protocol': ingress('ports: [{port: 80}]'), SCTP: ingress('ports: [{protocol: SCTP, port: 80}]') },
  NP014: {
    'a name that begins with digits': ingress('ports: [{port: 8080-tcp}]'),
    'the highest port': ingress('ports: [{port: 65535}]'),
  },
  NP015: {
    'a range of one port': ingress('ports: [{port: 80, endPort: 80}]'),
    'a bad port below its endPort, which is NP014': ingress('ports: [{port: 0, endPort: 80}]'),
  },
  NP016: {
    'an empty value': 'podSelector: {matchLabels: {app: ""}}',
    'a key with a prefix': expressions('{key: app.kubernetes.io/name, operator: DoesNotExist}'),
  },
  NP017: {
    'numbers in quotes': 'podSelector: {matchLabels: {version: "1.10", canary: "true"}}',
    'a date, which is text to kubectl': expressions('{key: a, operator: In, values: ["no", 2024-01-01]}'),
  },
  NP021: { 'null for a list and a selector': 'podSelector: null\ningress: null\npolicyTypes: [Ingress]' },
  NP022: { 'the mode that is the default': annotated('enforce'), 'no annotation of ours': whole('p', 'shop') },
  NP102: {
    'DNS to anywhere': egress('to: [{podSelector: {matchLabels: {app: db}}}]\n  - ports: [{port: 53, protocol: UDP}]'),
    'ports beside peers with ports': ingress(
      'from: [{podSelector: {matchLabels: {app: a}}}]\n    ports: [{port: 80}]\n  - ports: [{port: 9090}]',
    ),
  },
  NP103: {
    'both types, and rules of one':
      'podSelector: {}\npolicyTypes: [Ingress, Egress]\negress:\n  - to: [{podSelector: {}}]',
  },
  NP104: {
    'an empty list of the other direction': 'podSelector: {}\npolicyTypes: [Ingress]\negress: []',
    'types that rules imply': 'podSelector: {}\negress:\n  - to: [{podSelector: {}}]',
  },
  NP105: {
    'no rule at all': 'podSelector: {}\npolicyTypes: [Ingress]\ningress: []',
    'some ports for everyone': ingress('ports: [{port: 443}]'),
  },
  NP106: { 'nothing but a selector': 'podSelector: {}' },
  NP107: {
    'a default deny with DNS':
      'podSelector: {}\npolicyTypes: [Ingress, Egress]\negress:\n  - ports: [{port: 53, protocol: UDP}]',
    'the own namespace': 'podSelector: {}\npolicyTypes: [Ingress]\ningress:\n  - from: [{podSelector: {}}]',
  },
  NP108: {
    'the DNS pods, wherever they are': egress(
      'to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]',
    ),
    'namespaces that have a label': ingress(
      'from: [{namespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}}]',
    ),
  },
  NP109: {
    'NotIn of one of two values': expressions(
      '{key: app, operator: In, values: [a, b]}, {key: app, operator: NotIn, values: [a]}',
    ),
    'NotIn of a key that is absent': expressions(
      '{key: app, operator: NotIn, values: [a]}, {key: app, operator: DoesNotExist}',
    ),
  },
  NP110: {
    'NotIn with one value': expressions('{key: app, operator: NotIn, values: [a]}'),
    'In with two': expressions('{key: app, operator: In, values: [a, b]}'),
  },
  NP111: {
    'NotIn of a key that matchLabels demand':
      'podSelector: {matchLabels: {env: dev}, matchExpressions: [{key: env, operator: NotIn, values: [prod]}]}',
  },
  NP112: {
    'a pod of a StatefulSet': 'podSelector: {matchLabels: {statefulset.kubernetes.io/pod-name: db-0}}',
    'the name of a Job': 'podSelector: {matchLabels: {batch.kubernetes.io/job-name: migrate}}',
  },
  NP113: {
    'any namespace': ingress('from: [{namespaceSelector: {}}]'),
    'the name among other labels': ingress(
      'from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a, team: a}}}]',
    ),
  },
  NP114: {
    'an allow-all for fewer pods': together('podSelector: {}\npolicyTypes: [Ingress]', `${ofWeb}\ningress: [{}]`),
    'an allow-all of the other direction': together(
      'podSelector: {}\npolicyTypes: [Ingress]',
      'podSelector: {}\npolicyTypes: [Egress]\negress: [{}]',
    ),
  },
  NP204: {
    'both protocols, one left out': egress('ports: [{port: 53, protocol: UDP}, {port: 53}]'),
    'a port that is TCP': ingress('ports: [{port: 443}]'),
  },
  NP207: {
    'a thousand ports': ingress('ports: [{port: 10000, endPort: 10999}]'),
    'a few high ports': ingress('ports: [{port: 50000, endPort: 50100}]'),
  },
  NP302: {
    'a whole family': egress(`to: [${block('0.0.0.0/0')}]`),
    'a block beside the pods': ingress(`from: [${block('10.244.2.0/24')}]`),
  },
  NP304: {
    'a wider except': egress(`to: [${block('0.0.0.0/0', '169.254.0.0/16')}]`),
    'all but HTTP': egress(`to: [${block('0.0.0.0/0')}]\n    ports: [{port: 443}]`),
  },
  NP305: {
    'everyone, whom no block names': ingress('ports: [{port: 443}]'),
    'a private network': ingress(`from: [${block('10.0.0.0/8')}]`),
  },
  NP306: {
    'one family of a private network': egress(`to: [${block('10.0.0.0/8')}]`),
    'both families in two rules': egress(`to: [${block('0.0.0.0/0')}]\n  - to: [${block('"::/0"')}]`),
  },
  NP307: { 'excepts that leave a little': ingress(`from: [${block('10.0.0.0/24', '10.0.0.0/25, 10.0.0.128/26')}]`) },
  NP308: {
    'a block that the other one excepts': ingress(
      `from: [${block('10.0.0.0/8', '10.1.0.0/16')}, ${block('10.1.0.0/16')}]`,
    ),
    neighbours: ingress(`from: [${block('10.0.0.0/24')}, ${block('10.0.1.0/24')}]`),
  },
  NP310: {
    'a named port of ingress': ingress(`from: [${block('192.0.2.0/24')}]\n    ports: [{port: http}]`),
    'pods beside the addresses': egress(
      `to: [${block('192.0.2.0/24')}, {podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: sql}]`,
    ),
  },
  NP410: { 'an allow-all of one direction of two': `${ofWeb}\npolicyTypes: [Ingress, Egress]\negress: [{}]` },
};
