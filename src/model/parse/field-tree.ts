/** What a parser reads of an object: all of a value, or some fields of an object (and of each object in a list). */
export type FieldTree = true | { readonly [field: string]: FieldTree };

const metadata: FieldTree = {
  name: true,
  namespace: true,
  uid: true,
  generation: true,
  resourceVersion: true,
  labels: true,
  // A bookmark's annotations say whether it ends a list.
  annotations: true,
  ownerReferences: true,
  creationTimestamp: true,
  deletionTimestamp: true,
};
const container: FieldTree = { ports: true, restartPolicy: true };

/** Exactly what parsePod reads. */
export const podFields = {
  metadata,
  spec: { nodeName: true, hostNetwork: true, containers: container, initContainers: container },
  status: { phase: true, podIP: true, podIPs: true },
} as const satisfies FieldTree;

/** Exactly what parseNode reads: a Node lists many images. */
export const nodeFields = {
  metadata,
  spec: { podCIDR: true, podCIDRs: true },
  status: { addresses: true },
} as const satisfies FieldTree;
