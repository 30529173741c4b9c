/** By rule: what looks like its fault, and is right. Examples as in the rules' own documents, with the same world around. */
import { clusterPolicy } from '../../src/lint/rules/examples.js';
import { aloneNearMisses } from './near-misses-alone.js';
import { together, type NearMisses } from './near-misses-texts.js';

const deployment = (labels: string, containers: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: near, namespace: shop}\nspec: {template: {metadata: {labels: {${labels}}}, spec: {containers: ${containers}}}}`;

const scaled = (name: string, replicas: number, app = name): string =>
  `apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: ${name}, namespace: shop}\nspec: {replicas: ${replicas}, template: {metadata: {labels: {app: ${app}}}, spec: {containers: [{name: main}]}}}`;

const service = (selector: string, ports: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: near, namespace: shop}\nspec: {selector: {${selector}}, ports: ${ports}}`;

const ingressTo80 = 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 80}]';

const hostExporter =
  'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: exporter, namespace: shop}\nspec: {template: {metadata: {labels: {app: exporter}}, spec: {hostNetwork: true, containers: [{name: main}]}}}';
const elsewhere =
  'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: elsewhere}\nspec: {podSelector: {}}';

const webToDb =
  'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]';
const dnsFor = (subject: string): string =>
  `${subject}\npolicyTypes: [Egress]\negress:\n  - ports: [{port: 53, protocol: UDP}, {port: 53}]`;

export const nearMisses: NearMisses = {
  ...aloneNearMisses,
  NP018: {
    "another project's ClusterNetworkPolicy":
      'apiVersion: crd.antrea.io/v1beta1\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: {priority: 5000, tier: securityops}',
    'the last of everything that fits': clusterPolicy(
      '  ingress:\n    - {action: Pass, from: [{pods: {podSelector: {}}}], protocols: [{tcp: {destinationPort: {range: {start: 1, end: 65535}}}}]}',
      1000,
    ),
  },
  NP019: {
    'a named port of pods, beside a rule with networks': clusterPolicy(
      '  egress:\n    - {action: Accept, to: [{pods: {podSelector: {}}}], protocols: [{destinationNamedPort: http}]}\n    - {action: Deny, to: [{networks: [0.0.0.0/0]}]}',
    ),
  },
  NP020: {
    'a domain that ends in the root': clusterPolicy(
      '  egress:\n    - {action: Accept, to: [{domainNames: [example.com.]}]}',
    ),
  },
  NP116: {
    'a rule between the pods of one workload': together(
      scaled('etcd', 3),
      'podSelector: {matchLabels: {app: etcd}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: etcd}}}]',
    ),
    'a workload that something else scales': together(
      'apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: solo, namespace: shop}\nspec: {scaleTargetRef: {kind: Deployment, name: solo}}',
      'podSelector: {matchLabels: {app: solo}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: solo}}}]',
    ),
    'a rule for the whole namespace':
      'podSelector: {matchLabels: {app: solo}}\ningress:\n  - from: [{podSelector: {}}]',
  },
  NP119: {
    'one workload of two that runs': together(
      scaled('web-canary', 0, 'web'),
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress]',
    ),
    'a default deny while all sleep': 'podSelector: {}\npolicyTypes: [Ingress]',
  },
  NP101: {
    "the documentation's two peers, each of which is somebody": together(
      deployment('app: only-there', '[{name: main}]'),
      'podSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {team: a}}}, {podSelector: {matchLabels: {app: only-there}}}]',
    ),
  },
  NP117: { 'hostNetwork pods and others': 'podSelector: {matchExpressions: [{key: app, operator: Exists}]}' },
  NP118: { 'hostNetwork pods and others': 'podSelector: {}\ningress:\n  - from: [{podSelector: {}}]' },
  NP201: {
    'a name of pods that are not in the input':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{namespaceSelector: {matchLabels: {team: b}}}]\n    ports: [{port: metrics}]',
    'a name of a workload that is still to come':
      'podSelector: {matchLabels: {app: to-come}}\ningress:\n  - ports: [{port: htp}]',
  },
  NP202: {
    'a name with another number in each pod': together(
      deployment('app: api', '[{name: main, ports: [{name: metrics, containerPort: 9091}]}]'),
      'podSelector: {matchExpressions: [{key: app, operator: In, values: [api, metered]}]}\ningress:\n  - ports: [{port: metrics}]',
    ),
  },
  NP203: {
    'DNS that another policy opens to every pod': webToDb + '\n---\n' + dnsFor('podSelector: {}'),
    'a port of one of which a block is DNS':
      webToDb + '\n  - to: [{ipBlock: {cidr: 10.96.0.10/32}}]\n    ports: [{port: 53, protocol: UDP}, {port: 53}]',
    'everything outside as well, and so the DNS pods':
      webToDb + '\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]',
    'nothing at all, on purpose': 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]',
    'addresses only':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 192.0.2.0/24}}]',
    'a cache on every node, which needs no rule': together(
      'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: node-local-dns, namespace: kube-system}\nspec: {template: {metadata: {labels: {k8s-app: node-local-dns}}, spec: {hostNetwork: true, containers: [{name: main}]}}}',
      webToDb,
    ),
  },
  NP205: {
    'a port that a container declares without a name': together(
      deployment('app: web', '[{name: main, ports: [{containerPort: 80}]}]'),
      ingressTo80,
    ),
    'a port that another Service translates to': together(
      service('app: web', '[{port: 8080, targetPort: 80}]'),
      ingressTo80,
    ),
    "a Service's port beside the pods' own":
      'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 80}, {port: 8080}]',
    'a port of other pods, of which nothing is known': together(
      deployment('app: static', '[{name: main}]'),
      'podSelector: {}\ningress:\n  - ports: [{port: 80}]',
    ),
    'a port of addresses outside':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: web}}}, {ipBlock: {cidr: 192.0.2.0/24}}]\n    ports: [{port: 80}]',
  },
  NP303: {
    'a block that holds the Services among much else':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 10.0.0.0/8}}]',
    'Services that are excepted':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.96.0.0/12]}}]',
    'the address of a Service without cluster IP': together(
      'apiVersion: v1\nkind: Service\nmetadata: {name: out, namespace: shop}\nspec: {clusterIP: None, externalIPs: [192.0.2.9], ports: [{port: 443}]}',
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 192.0.2.9/32}}]',
    ),
  },
  NP301: {
    'a namespace that only a policy names': `${elsewhere}\n---\npodSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]`,
    'any namespace': 'podSelector: {}\ningress:\n  - from: [{namespaceSelector: {}}]',
  },
  NP309: {
    'the address of a node': together(
      'apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\nstatus: {addresses: [{type: InternalIP, address: 10.244.1.7}]}',
      'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.244.1.7/32}}]',
    ),
    'a block around the pod': 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.244.1.0/24}}]',
  },
  NP401: {
    'a workload that is only suspended': together(
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly, namespace: shop}\nspec: {suspend: true, jobTemplate: {spec: {template: {metadata: {labels: {app: nightly}}, spec: {containers: [{name: main}]}}}}}',
      'podSelector: {matchLabels: {app: nightly}}',
    ),
    'hostNetwork pods, which are NP117': together(hostExporter, 'podSelector: {matchLabels: {app: exporter}}'),
  },
  NP402: {
    'a namespace that only a policy names': `${elsewhere}\n---\npodSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {team: a}}}]`,
    'hostNetwork pods, which are NP118': together(
      hostExporter,
      'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: exporter}}}]',
    ),
  },
  NP403: {
    'a short label, which is near to every other': 'podSelector: {matchLabels: {app: wb}}',
    'a label of somebody, near to another': together(
      deployment('app: wet', '[{name: main}]'),
      'podSelector: {matchLabels: {app: wet}}',
    ),
  },
  NP404: {
    'a workload that a broken policy isolates':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress, Egress]\ningress:\n  - ports: [{protocol: HTTP}]',
    'each direction by another policy':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\n---\npodSelector: {}\npolicyTypes: [Ingress]',
  },
  NP405: {
    'each direction by another policy, with rules':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - ports: [{port: 53, protocol: UDP}]\n---\npodSelector: {}\ningress:\n  - from: [{podSelector: {}}]',
    'a namespace without workloads': together(
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: empty}',
      'podSelector: {}\npolicyTypes: [Ingress, Egress]',
    ),
  },
  NP406: {
    'a Service that nobody isolates for ingress': 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]',
    'a Service that a second policy opens':
      'podSelector: {}\npolicyTypes: [Ingress]\n---\npodSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{ipBlock: {cidr: 192.0.2.0/24}}]',
  },
  NP407: {
    'a rule that some of its pods can use':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]\n    ports: [{port: sql}]',
    'a peer that no policy isolates in that direction':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Egress]',
    'everybody, of whom some deny':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {}}]\n---\npodSelector: {}\npolicyTypes: [Ingress]',
    'a block on the other side that holds every pod':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]\ningress:\n  - from: [{ipBlock: {cidr: 0.0.0.0/0}}]',
  },
  NP408: {
    'a default deny beside a policy for every pod':
      'podSelector: {}\npolicyTypes: [Ingress]\n---\npodSelector: {}\ningress:\n  - from: [{podSelector: {}}]',
    'a policy that also isolates egress':
      'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress, Egress]\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n---\npodSelector: {}\ningress:\n  - from: [{podSelector: {}}]',
    'the same rules for fewer pods than it has':
      'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n---\npodSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: b}}}]',
    'a policy of another namespace':
      'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: other}\nspec: {podSelector: {}, ingress: [{}]}',
  },
  NP409: {
    'the same peers at other ports':
      'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n    ports: [{port: 80}]\n  - from: [{podSelector: {}}]\n    ports: [{port: 443}]',
    'the same port of another protocol':
      'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - ports: [{port: 53, protocol: UDP}]\n  - ports: [{port: 53, protocol: TCP}]',
    'the own namespace beside all that have a label':
      'podSelector: {}\ningress:\n  - from: [{podSelector: {}}, {namespaceSelector: {matchLabels: {team: a}}}]',
    'a block of which the other one has nothing':
      'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.1.0.0/16}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]',
  },
  NP414: {
    'a label that the controller gives every pod of its own':
      'podSelector: {matchLabels: {app: db, statefulset.kubernetes.io/pod-name: db-0}}',
    "a label that is another workload's": together(
      deployment('app: web, role: primary', '[{name: main}]'),
      'podSelector: {matchLabels: {app: web, role: primary}}',
    ),
  },
  NP206: {
    'a port that is declared without a name': together(
      deployment('app: api', '[{name: main, ports: [{name: http, containerPort: 8080}, {containerPort: 9999}]}]'),
      'podSelector: {matchLabels: {app: api}}\ningress:\n  - ports: [{port: 9999}]',
    ),
    'a port that a probe knocks at': together(
      deployment(
        'app: api',
        '[{name: main, ports: [{containerPort: 8080}], readinessProbe: {httpGet: {path: /, port: 9999}}}]',
      ),
      'podSelector: {matchLabels: {app: api}}\ningress:\n  - ports: [{port: 9999}]',
    ),
    'a port that a Service calls': together(
      service('app: web', '[{port: 443, targetPort: 9999}]'),
      'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 9999}]',
    ),
    'a port of pods of which some declare nothing': together(
      deployment('app: static', '[{name: main}]'),
      'podSelector: {}\ningress:\n  - ports: [{port: 9999}]',
    ),
    'a range around a declared port':
      'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 8000, endPort: 8100}]',
  },
};
