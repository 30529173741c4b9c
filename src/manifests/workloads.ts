/** Workloads as the pods that they would make: a repository holds these instead of Pods. */
import { controllerOf, workloadOf, type Controller } from '../model/controller.js';
import { findKind, readKind } from '../model/kind-lookup.js';
import { kinds } from '../model/kinds.js';
import { visible } from '../model/visible.js';
import { ownerKey, type Owner } from '../model/workload.js';

/** A workload of the input. */
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
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? visible(value) : undefined;

/** Kinds that make pods, and Pod itself. */
export const workloadKinds = kinds.filter(({ template }) => template !== undefined);

/** Of what makes pods as a Deployment does: Argo's Rollout, CloneSet, Knative's Service, DeploymentConfig and others. */
const customTemplate = ['spec', 'template'] as const;

/** The path of the pod template, empty for a pod; undefined for what is no workload. */
export function templatePath(object: unknown): readonly string[] | undefined {
  const { apiVersion, kind } = fieldsOf(object);
  const known = readKind(apiVersion, kind);
  if (known !== undefined) return known.template;
  const { containers } = [...customTemplate, 'spec'].reduce<Fields>(
    (fields, part) => fieldsOf(fields[part]),
    fieldsOf(object),
  );
  const isCustom = typeof apiVersion === 'string' && typeof kind === 'string' && Array.isArray(containers);
  return isCustom && (findKind(apiVersion, kind)?.as ?? 'otherGroup') === 'otherGroup' ? customTemplate : undefined;
}

/** Undefined for what is no workload, or has no name. */
export function readWorkload(object: unknown, defaultNamespace = 'default'): WorkloadObject | undefined {
  const { kind, metadata, ...rest } = fieldsOf(object);
  const template = templatePath(object);
  const own = fieldsOf(metadata);
  const name = textOf(own['name']) ?? textOf(own['generateName'])?.replace(/-$/, '');
  if (typeof kind !== 'string' || template === undefined || name === undefined) return undefined;
  const namespace = textOf(own['namespace']) ?? defaultNamespace;
  const controller = controllerOf(own);
  const found = { self: { namespace, kind, name }, ...(controller === undefined ? {} : { controller }) };
  if (template.length === 0) return { ...found, pod: { ...fieldsOf(object), metadata: { ...own, name, namespace } } };
  const { metadata: made, spec } = template.reduce<Fields>((fields, part) => fieldsOf(fields[part]), rest);
  // A Deployment keeps its previous ReplicaSets, without replicas.
  const isPrevious =
    kind === 'ReplicaSet' && controller !== undefined && fieldsOf(fieldsOf(object)['spec'])['replicas'] === 0;
  if (spec === undefined || spec === null || isPrevious) return found;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...fieldsOf(made), namespace, name },
    spec,
  };
  return { ...found, pod };
}

/** The topmost controller that is known. A ReplicaSet that is not in the input stands for its Deployment. */
export function topmostOwner(object: WorkloadObject, known: ReadonlyMap<string, WorkloadObject>): Owner {
  const seen = new Set<WorkloadObject>();
  let current = object;
  for (;;) {
    const { self, controller } = current;
    if (controller === undefined || seen.has(current)) return self;
    seen.add(current);
    const owner = { namespace: self.namespace, kind: controller.kind, name: controller.name };
    const next = isWorkloadRef(controller) ? known.get(ownerKey(owner)) : undefined;
    if (next === undefined) return { ...owner, ...workloadOf(controller) };
    current = next;
  }
}

/** Whether it can be a workload of the input: another project's Job is none, though a Job may have its name. */
const isWorkloadRef = ({ apiVersion, kind }: Controller): boolean =>
  apiVersion === undefined || readKind(apiVersion, kind)?.template !== undefined;
