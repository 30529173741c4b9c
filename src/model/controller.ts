/** Who made a pod, by its metadata: read from any value, since nobody validates it. */

import { visible } from './visible.js';

export interface Controller {
  /** Absent where the reference does not say. */
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
  /** The pod-template-hash of what it made. */
  readonly hash?: string;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? visible(value) : undefined;

/** The controller that an object's metadata names. */
export function controllerOf(metadata: Fields): Controller | undefined {
  const references = Array.isArray(metadata['ownerReferences']) ? metadata['ownerReferences'].map(fieldsOf) : [];
  const reference = references.find((one) => one['controller'] === true) ?? references[0];
  const [kind, name] = [textOf(reference?.['kind']), textOf(reference?.['name'])];
  // A static pod's Node made it, but is no workload.
  if (kind === undefined || name === undefined || kind === 'Node') return undefined;
  const apiVersion = textOf(reference?.['apiVersion']);
  const hash = textOf(fieldsOf(metadata['labels'])['pod-template-hash']);
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    kind,
    name,
    ...(hash === undefined ? {} : { hash }),
  };
}

/** Kubernetes makes template hashes of these characters only. */
const hashSuffix = /-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** What people deployed: a ReplicaSet is its Deployment, by the name that Deployments give. */
export function workloadOf({ apiVersion = 'apps/v1', kind, name, hash }: Controller): {
  readonly kind: string;
  readonly name: string;
} {
  if (kind !== 'ReplicaSet' || !/^(apps|extensions)\//.test(apiVersion)) return { kind, name };
  const stripped =
    hash !== undefined && name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name.replace(hashSuffix, '');
  return stripped === name ? { kind, name } : { kind: 'Deployment', name: stripped };
}
