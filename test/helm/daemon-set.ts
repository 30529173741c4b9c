/** The parts of a rendered DaemonSet that a kubelet acts on. */
import type { KubernetesObject } from './chart.js';

export interface Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string | number } };
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: string | number } };
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: SecurityContext;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Pod extends KubernetesObject {
  readonly spec: PodSpec;
}

export interface SecurityContext {
  readonly runAsUser: number;
  readonly allowPrivilegeEscalation: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly hostPath?: { readonly path: string };
    readonly emptyDir?: object;
  }[];
}

export interface DaemonSet extends KubernetesObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: { readonly spec: PodSpec };
  };
}

export function daemonSetOf(objects: readonly KubernetesObject[]): DaemonSet {
  const found = objects.find(({ kind }) => kind === 'DaemonSet');
  if (found === undefined) throw new Error('the chart renders no DaemonSet');
  return found as DaemonSet;
}
