/** Our chart, rendered by the real helm. */
import { execa } from 'execa';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findPrograms } from '../build/packages/helm-and-kubectl.js';

export const chartFolder = resolve(import.meta.dirname, '../../helm/podwall');
export const release = { name: 'podwall', namespace: 'kube-system' } as const;

const found = await findPrograms();
/** Why helm cannot run here, in a sentence. */
export const missingHelm = typeof found === 'string' ? found : undefined;

export function program(name: 'helm' | 'kubectl'): string {
  if (typeof found === 'string') throw new Error(found);
  return found[name];
}

/** The values that the golden files show: one combination for each thing that a user turns on. */
export const combinations: Readonly<Record<string, readonly string[]>> = {
  default: [],
  'bridge-netfilter-ensure': ['agent.bridgeNetfilter=ensure'],
  'own-image-and-nodes': [
    'image.repository=registry.example/team/podwall',
    `image.digest=sha256:${'0123456789abcdef'.repeat(4)}`,
    'imagePullSecrets[0].name=registry',
    'agent.podCIDRs={10.244.0.0/16,fd00:10:244::/48}',
    'agent.sourceGuard=off',
    'agent.tunnelPorts={6081,8472}',
    'agent.allowPodTunnels={vpn,edge}',
    'agent.limits.mode=enforce',
    'agent.limits.policyCidrs=2000000',
    'agent.cniCacheDir=',
    'agent.stateDir=/var/run/podwall',
    'nodeSelector.pool=workers',
    'updateStrategy.maxUnavailable=1',
    'podLabels.team=network',
    'serviceAccount.name=enforcer',
  ],
  monitored: [
    'metrics.service=true',
    'metrics.podMonitor=true',
    'metrics.prometheusRule=true',
    'metrics.dashboard=true',
    'metrics.port=9900',
  ],
  'node-policy-status': ['nodePolicyStatus.enabled=true', 'events.enabled=false', 'audit.log=off'],
  'audit-to-stdout': ['audit.log=stdout', 'audit.denialEvents=false', 'audit.logDir=/var/log/pods-denied'],
  uninstall: ['uninstall=true'],
};

/** Runs helm; `values` as for `--set`. Rejects with what helm printed. */
export function helm(command: readonly string[], values: readonly string[] = []) {
  return execa(program('helm'), [...command, ...values.flatMap((value) => ['--set', value])]);
}

/** What `helm template` prints: the chart's objects as one YAML stream. */
export async function template(values: readonly string[]): Promise<string> {
  const { stdout } = await helm(['template', release.name, chartFolder, '--namespace', release.namespace], values);
  return `${stdout}\n`;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

export const objectsOf = (stream: string): readonly KubernetesObject[] =>
  parseAllDocuments(stream).flatMap((document) => {
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
