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
}

function reader<T>(parse: (object: unknown) => Parsed<T>, change: (value: T) => ClusterChange): Resource['read'] {
  return (object) => {
    const parsed = parse(object);
    const { diagnostics } = parsed;
    return parsed.ok ? { change: change(parsed.value), diagnostics } : { diagnostics };
  };
}

export const resources: readonly Resource[] = [
  {
    name: 'nodes',
    kind: 'node',
    path: '/api/v1/nodes',
    read: reader(parseNode, (node) => ({ kind: 'node', name: node.name, node })),
  },
  {
    name: 'namespaces',
    kind: 'namespace',
    path: '/api/v1/namespaces',
    read: reader(parseNamespace, (namespace) => ({ kind: 'namespace', name: namespace.name, namespace })),
  },
  {
    name: 'pods',
    kind: 'pod',
    path: '/api/v1/pods',
    read: reader(parsePod, (pod) => ({ kind: 'pod', ref: pod.ref, pod })),
  },
  {
    name: 'networkpolicies',
    kind: 'policy',
    path: '/apis/networking.k8s.io/v1/networkpolicies',
    read: reader(
      // The server has pruned what it does not know: an unknown field is a newer API's, and no typo.
      (object) => parseNetworkPolicy(object, { strict: false }),
      (policy) => ({ kind: 'policy', ref: policy.ref, policy }),
    ),
  },
];
