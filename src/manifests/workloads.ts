/** Workloads as the pods that they would have: what a repository holds instead of Pods. */
import { controllerOf, workloadOf, type Controller } from '../model/controller.js';

export interface Owner {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** `namespace/Kind/name`. */
export const ownerKey = ({ namespace, kind, name }: Owner): string => `${namespace}/${kind}/${name}`;

/** A workload as it stands in the input. */
export interface WorkloadObject {
  readonly self: Owner;
  /** Who made it. */
  readonly controller?: Controller;
  /** In the API's form: the pod itself, or what its template makes; absent where there is no template. */
  readonly pod?: object;
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

export const workloadKinds = ['Pod', ...Object.keys(templates)];
export const isWorkload = (kind: string): boolean => workloadKinds.includes(kind);

/** Where the pod template stands; empty for a pod. */
export const templateOf = (kind: string): readonly string[] => templates[kind] ?? [];

/** Undefined for what is no workload, or has no name. */
export function readWorkload(object: unknown, defaultNamespace = 'default'): WorkloadObject | undefined {
  const { kind, metadata, ...rest } = fieldsOf(object);
  const own = fieldsOf(metadata);
  const name = textOf(own['name']) ?? textOf(own['generateName'])?.replace(/-$/, '');
  if (typeof kind !== 'string' || !isWorkload(kind) || name === undefined) return undefined;
  const namespace = textOf(own['namespace']) ?? defaultNamespace;
  const controller = controllerOf(own);
  const found = { self: { namespace, kind, name }, ...(controller === undefined ? {} : { controller }) };
  if (kind === 'Pod') return { ...found, pod: { ...fieldsOf(object), metadata: { ...own, name, namespace } } };
  const { metadata: made, spec } = templateOf(kind).reduce<Fields>((fields, part) => fieldsOf(fields[part]), rest);
  // A Deployment keeps its former ReplicaSets, with nothing in them.
  const isFormer =
    kind === 'ReplicaSet' && controller !== undefined && fieldsOf(fieldsOf(object)['spec'])['replicas'] === 0;
  if (spec === undefined || spec === null || isFormer) return found;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...fieldsOf(made), namespace, name },
    spec,
  };
  return { ...found, pod };
}

/** The topmost controller that is known. A ReplicaSet that is not in the input is its Deployment. */
export function topmostOwner(object: WorkloadObject, known: ReadonlyMap<string, WorkloadObject>): Owner {
  const seen = new Set<WorkloadObject>();
  let current = object;
  for (;;) {
    const { self, controller } = current;
    if (controller === undefined || seen.has(current)) return self;
    seen.add(current);
    const owner = { namespace: self.namespace, kind: controller.kind, name: controller.name };
    const next = known.get(ownerKey(owner));
    if (next === undefined) return { ...owner, ...workloadOf(controller) };
    current = next;
  }
}
