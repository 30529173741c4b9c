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
  status: { phase: true, podIP: true, podIPs: true, hostIP: true, hostIPs: true },
} as const satisfies FieldTree;

/** Whose addresses are a Node's, and whose its pods'. */
const nodeAddressFields = { spec: { podCIDR: true, podCIDRs: true }, status: { addresses: true } } as const;

/** Exactly what parseNode reads: a Node lists many images. */
export const nodeFields = { metadata, ...nodeAddressFields } as const satisfies FieldTree;

/** What an agent keeps of the Nodes that are not its own: there may be 15,000. What else it asks of them comes in here. */
export const otherNodeFields = { metadata: { name: true }, ...nodeAddressFields } as const satisfies FieldTree;
