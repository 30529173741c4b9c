/** Workloads as the pods that they would have: what a repository holds instead of Pods. */

/** The topmost controller, or the pod itself. */
export interface Owner {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** A pod, or what a template makes, in the API's form. */
export interface OwnedPod {
  readonly owner: Owner;
  readonly pod: object;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Where the pod template stands, by kind; API group and version are not looked at. */
const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

export const isWorkload = (kind: string): boolean => kind === 'Pod' || kind in templates;

/** Undefined for what is no workload, or has no template. */
export function podOf(object: unknown, defaultNamespace = 'default'): OwnedPod | undefined {
  const { kind, metadata, ...rest } = fieldsOf(object);
  const own = fieldsOf(metadata);
  const name = textOf(own['name']) ?? textOf(own['generateName']);
  if (typeof kind !== 'string' || name === undefined) return undefined;
  const namespace = textOf(own['namespace']) ?? defaultNamespace;
  if (kind === 'Pod')
    return {
      owner: ownerOf(own, { namespace, kind, name }),
      pod: { ...fieldsOf(object), metadata: { ...own, namespace } },
    };
  const path = templates[kind];
  if (path === undefined) return undefined;
  const template = path.reduce<Fields>((fields, part) => fieldsOf(fields[part]), rest);
  if (template['spec'] === undefined) return undefined;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...fieldsOf(template['metadata']), namespace, name },
    spec: template['spec'],
  };
  return { owner: ownerOf(own, { namespace, kind, name }), pod };
}

/** The controller that is named, or `self`; a ReplicaSet made by a Deployment is that Deployment. */
function ownerOf(metadata: Fields, self: Owner): Owner {
  const references = Array.isArray(metadata['ownerReferences']) ? metadata['ownerReferences'].map(fieldsOf) : [];
  const controller = references.find((reference) => reference['controller'] === true);
  const [kind, name] = [textOf(controller?.['kind']), textOf(controller?.['name'])];
  if (kind === undefined || name === undefined) return self;
  const hash = textOf(fieldsOf(metadata['labels'])['pod-template-hash']);
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`))
    return { namespace: self.namespace, kind: 'Deployment', name: name.slice(0, -hash.length - 1) };
  return { namespace: self.namespace, kind, name };
}
