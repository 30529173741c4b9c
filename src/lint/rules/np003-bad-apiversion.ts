import { clusterNetworkPolicyGroup, isClusterNetworkPolicy } from '../../model/parse.js';
import { isPolicyObject } from '../queries.js';
import type { Rule } from '../types.js';

const known = /\/(v1alpha2|v1beta1)$/;

export const rule: Rule = {
  id: 'NP003',
  name: 'bad-apiversion',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'an API version that API servers do not serve, or no longer',
  why: 'Kubernetes 1.16 removed NetworkPolicy of extensions/v1beta1; network-policy-api 0.2 removed AdminNetworkPolicy.',
  bad: 'apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}}',
  *check({ objects }) {
    for (const object of objects) {
      const { kind, apiVersion } = object;
      if (isPolicyObject(object) && object.found !== undefined && object.found.as !== 'read') {
        const [served] = object.found.kind.apiVersions;
        yield {
          object,
          path: ['apiVersion'],
          message: `API servers ${object.found.as === 'removed' ? 'no longer serve' : 'do not serve'} ${kind} of ${apiVersion}; use ${served}`,
          fix: { description: `use ${served}`, path: ['apiVersion'], replacement: served },
        };
      }
      if (isClusterNetworkPolicy(object.fields) && !known.test(apiVersion))
        yield {
          object,
          path: ['apiVersion'],
          message: `ClusterNetworkPolicy has no version ${apiVersion}; use v1alpha2 or v1beta1`,
        };
      if (/^(Baseline)?AdminNetworkPolicy$/.test(kind) && apiVersion.startsWith(`${clusterNetworkPolicyGroup}/`))
        yield {
          object,
          path: ['kind'],
          severity: 'warning',
          message: `${kind} was replaced by ClusterNetworkPolicy, which has tiers`,
        };
    }
  },
};
