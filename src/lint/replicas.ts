import type { WorkloadPod } from '../model/workload.js';
import { isMapping } from '../model/parse.js';
import { fieldAt } from './policy-parts.js';
import type { Fields, LintObject } from './objects.js';
import type { LintInput } from './types.js';

/** How many pods a workload's own manifest asks for; undefined where it does not say, or something else scales it. */
export function replicasOf(input: LintInput, { owner }: WorkloadPod): number | undefined {
  const { kind, namespace, name } = owner;
  if (kind === 'Pod') return 1;
  const object = input.objectOf(kind, namespace, name);
  if (object === undefined || input.scalersOf(namespace).some((one) => targetOf(one) === `${kind}/${name}`))
    return undefined;
  const spec = fieldAt(object.fields, ['spec']);
  const { replicas, suspend }: Fields = isMapping(spec) ? spec : {};
  if (suspend === true) return 0;
  return typeof replicas === 'number' ? replicas : undefined;
}

/** Of a HorizontalPodAutoscaler, or a ScaledObject of KEDA, whose target is a Deployment when it does not say. */
function targetOf({ fields }: LintObject): string {
  const target = fieldAt(fields, ['spec', 'scaleTargetRef']);
  const { kind = 'Deployment', name }: Fields = isMapping(target) ? target : {};
  return `${String(kind)}/${String(name)}`;
}
