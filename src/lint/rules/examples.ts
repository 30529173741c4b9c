/** A whole ClusterNetworkPolicy for a rule's example, of which the rest of the spec is given. */
export const clusterPolicy = (rest: string, priority = 10): string =>
  `apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec:\n  tier: Admin\n  priority: ${priority}\n  subject: {namespaces: {}}\n${rest}`;
