import { JsonPruner, type Kept } from './json-pruner.js';
import type { ClusterChange } from '../../model/cluster.js';
import type { Diagnostic, Parsed } from '../../model/diagnostic.js';
import { parseNamespace, parseNetworkPolicy, parseNode, parsePod } from '../../model/parse.js';

/** `change` is absent when not even the object's name can be told. */
export interface ReadObject {
  readonly change?: ClusterChange;
  readonly diagnostics: readonly Diagnostic[];
}

/** One kind of object, as the API serves it and as we read it. */
export interface Resource {
  /** As RBAC names it. */
  readonly name: 'pods' | 'namespaces' | 'nodes' | 'networkpolicies';
  readonly path: string;
  readonly kind: ClusterChange['kind'];
  readonly read: (object: unknown) => ReadObject;
  /** A line of a watch, and a page of a list, as far as `read` and the reflector look at them. @throws SyntaxError */
  readonly parseEvent: (line: Buffer) => unknown;
  readonly parsePage: (body: Buffer) => unknown;
}

function reader<T>(parse: (object: unknown) => Parsed<T>, change: (value: T) => ClusterChange): Resource['read'] {
  return (object) => {
    const parsed = parse(object);
    const { diagnostics } = parsed;
    return parsed.ok ? { change: change(parsed.value), diagnostics } : { diagnostics };
  };
}

type KeptFields = Exclude<Kept, true>;

const metadata: Kept = {
  name: true,
  namespace: true,
  uid: true,
  generation: true,
  resourceVersion: true,
  labels: true,
  // Of a bookmark they tell whether it ends a list.
  annotations: true,
  ownerReferences: true,
  creationTimestamp: true,
  deletionTimestamp: true,
};
const container: Kept = { ports: true, restartPolicy: true };
/** Exactly what parsePod reads. */
const podKept: KeptFields = {
  metadata,
  spec: { nodeName: true, hostNetwork: true, containers: container, initContainers: container },
  status: { phase: true, podIP: true, podIPs: true },
};
/** Exactly what parseNode reads: the images of a node are many. */
const nodeKept: KeptFields = { metadata, spec: { podCIDR: true, podCIDRs: true }, status: { addresses: true } };
/** An ERROR event carries a Status, whose own `status` is a word. */
const statusKept: KeptFields = { code: true, message: true };

function parsedBy(kept: Kept): (text: Buffer) => unknown {
  const pruner = new JsonPruner(kept);
  return (text) => JSON.parse(pruner.prune(text)) as unknown;
}

/** Of objects that are many or large only this is parsed; of the others all. */
const parsers = (kept?: KeptFields): Pick<Resource, 'parseEvent' | 'parsePage'> => ({
  parseEvent: parsedBy(kept === undefined ? true : { type: true, object: { ...kept, ...statusKept } }),
  parsePage: parsedBy(kept === undefined ? true : { metadata: true, items: kept }),
});

export const resources: readonly Resource[] = [
  {
    name: 'nodes',
    kind: 'node',
    ...parsers(nodeKept),
    path: '/api/v1/nodes',
    read: reader(parseNode, (node) => ({ kind: 'node', name: node.name, node })),
  },
  {
    name: 'namespaces',
    kind: 'namespace',
    ...parsers(),
    path: '/api/v1/namespaces',
    read: reader(parseNamespace, (namespace) => ({ kind: 'namespace', name: namespace.name, namespace })),
  },
  {
    name: 'pods',
    kind: 'pod',
    ...parsers(podKept),
    path: '/api/v1/pods',
    read: reader(parsePod, (pod) => ({ kind: 'pod', ref: pod.ref, pod })),
  },
  {
    name: 'networkpolicies',
    kind: 'policy',
    ...parsers(),
    path: '/apis/networking.k8s.io/v1/networkpolicies',
    read: reader(
      // The server has pruned what it does not know: an unknown field is a newer API's, and no typo.
      (object) => parseNetworkPolicy(object, { strict: false }),
      (policy) => ({ kind: 'policy', ref: policy.ref, policy }),
    ),
  },
];
