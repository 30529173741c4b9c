/** What RBAC must give to the agent. */
import type { Manifest } from '../cases/types.js';

const group = 'rbac.authorization.k8s.io';
const kinds = { Pod: 'pods', Namespace: 'namespaces', Node: 'nodes' } as const;
const verbs = ['get', 'list', 'watch'];

export interface Subject {
  readonly kind: 'User' | 'ServiceAccount';
  readonly name: string;
  readonly namespace?: string;
}

/** Role and binding; `without` is a kind that is withheld. */
export function agentRights(subject: Subject, without?: string): readonly Manifest[] {
  const core = Object.entries(kinds).flatMap(([kind, resource]) => (kind === without ? [] : [resource]));
  const rules = [
    { apiGroups: [''], resources: core, verbs },
    ...(without === 'NetworkPolicy'
      ? []
      : [{ apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs }]),
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ];
  const subjects = [{ ...subject, apiGroup: subject.kind === 'User' ? group : '' }];
  const common = { apiVersion: `${group}/v1`, metadata: { name: 'podwall' } };
  const roleRef = { apiGroup: group, kind: 'ClusterRole', name: 'podwall' };
  return [
    { ...common, kind: 'ClusterRole', rules } as Manifest,
    { ...common, kind: 'ClusterRoleBinding', roleRef, subjects } as Manifest,
  ];
}
