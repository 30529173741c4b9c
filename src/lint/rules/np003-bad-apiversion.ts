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
  summary: 'an API version that no API server serves any more',
  why: 'NetworkPolicy of extensions/v1beta1 went with Kubernetes 1.16, AdminNetworkPolicy with network-policy-api 0.2.',
  bad: 'apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}}',
  *check({ objects }) {
    for (const object of objects) {
      const { kind, apiVersion } = object;
      if (isPolicyObject(object) && object.found?.as === 'former') {
        const [served] = object.found.kind.apiVersions;
        yield {
          object,
          path: ['apiVersion'],
          message: `no API server serves ${kind} of ${apiVersion} any more; use ${served}`,
          fix: { description: `use ${served}`, path: ['apiVersion'], replacement: served },
        };
      }
      if (isClusterNetworkPolicy(object.fields) && !known.test(apiVersion))
        yield {
          object,
          path: ['apiVersion'],
          message: `there never was a ClusterNetworkPolicy of ${apiVersion}; it is v1alpha2 or v1beta1`,
        };
      if (/^(Baseline)?AdminNetworkPolicy$/.test(kind) && apiVersion.startsWith(`${clusterNetworkPolicyGroup}/`))
        yield {
          object,
          path: ['kind'],
          severity: 'warning',
          message: `${kind} became ClusterNetworkPolicy, which has tiers`,
        };
    }
  },
};
