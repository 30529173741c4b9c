/** The changes that the bench makes to a made-up cluster: each reaches the rules of node `n0`. */
import type { Address } from '../../src/model/address.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import type { NetworkPolicy } from '../../src/model/policy.js';

const namespace = 'team-0';

/** A policy that selects a local pod and allows one port, another one at each step. */
export function policyChange(step: number): ClusterChange {
  const port = 1000 + step;
  const policy: NetworkPolicy = {
    kind: 'policy',
    ref: { kind: 'NetworkPolicy', namespace, name: 'changing' },
    appliesTo: { requirements: [{ operator: 'In', key: 'app', values: ['app-0'] }] },
    ingress: [
      {
        peers: [
          {
            kind: 'pods',
            namespaces: 'own',
            pods: { requirements: [{ operator: 'In', key: 'app', values: ['changing'] }] },
          },
        ],
        ports: [{ kind: 'range', protocol: 'TCP', first: port, last: port }],
      },
    ],
  };
  return { kind: 'policy', ref: policy.ref, policy };
}

/** A pod of another node that the policy above names as a peer, with another address at each step. */
export function podChange(step: number): ClusterChange {
  const ref = { namespace, name: 'changing' };
  return {
    kind: 'pod',
    ref,
    pod: {
      ref,
      uid: `uid-changing-${step}`,
      labels: { app: 'changing' },
      addresses: [`10.99.${step >> 8}.${step & 255}` as Address],
      ports: [],
      node: 'n1',
      hostNetwork: false,
      phase: 'Running',
      deleting: false,
      created: 0,
    },
  };
}
