/** Pods that count how often they are looked at, and policies about them, all in namespace `shop`. */
import { parseAddress, type Address } from '../../src/model/address.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import type { Labels, LabelSelector } from '../../src/model/labels.js';
import type { PolicyRule } from '../../src/model/policy.js';

/** A pod whose labels count how often one of them is read. */
export class CountedPods {
  reads = 0;

  pod(index: number, labels: Labels, node = 'elsewhere'): ClusterChange {
    const ref = { namespace: 'shop', name: `p${index}` };
    const counted = new Proxy(labels, {
      get: (target, key, receiver): unknown => {
        this.reads += 1;
        return Reflect.get(target, key, receiver);
      },
    });
    const pod = {
      ref,
      uid: `u${index}`,
      labels: counted,
      addresses: [parseAddress(`10.1.${index >> 8}.${index & 255}`) as Address],
      ports: [],
      node,
      hostNetwork: false,
      phase: 'Running',
      deleting: false,
      created: index,
    } as const;
    return { kind: 'pod', ref, pod };
  }

  readsOf(work: () => unknown): number {
    const before = this.reads;
    work();
    return this.reads - before;
  }
}

export const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
export const equals = (key: string, value: string): LabelSelector => ({
  requirements: [{ operator: 'In', key, values: [value] }],
});

export function policy(index: number, appliesTo: LabelSelector, ingress: readonly PolicyRule[] = []): ClusterChange {
  const ref = { kind: 'NetworkPolicy', namespace: 'shop', name: `policy-${index}` } as const;
  return { kind: 'policy', ref, policy: { kind: 'policy', ref, appliesTo, ingress } };
}

/** From every client, in words of its own, so that each is a selection of its own. */
export const fromClients = (index: number): readonly PolicyRule[] => [
  {
    peers: [
      {
        kind: 'pods',
        namespaces: 'own',
        pods: {
          requirements: [
            ...equals('app', 'client').requirements,
            { operator: 'NotIn', key: 'other', values: [`${index}`] },
          ],
        },
      },
    ],
    ports: 'anyPort',
  },
];
