/** A workload of the input with its pod, or what is wrong with either. */
import { readWorkload, type WorkloadObject } from './workloads.js';
import { formatPath, type Diagnostic, type Parsed } from '../model/diagnostic.js';
import { checkWorkload, parsePod, type PodOptions } from '../model/parse.js';
import type { Pod } from '../model/pod.js';

interface CheckedWorkload {
  readonly workload: WorkloadObject;
  /** Absent where the workload has no template. */
  readonly pod?: Pod;
}

/** @param template the path of the pod template in objects of this kind */
export function parseWorkload(
  object: unknown,
  template: readonly string[],
  options: PodOptions,
): Parsed<CheckedWorkload> {
  const wrong = checkWorkload(object, template);
  const workload = readWorkload(object);
  if (workload === undefined) return { ok: false, diagnostics: wrong.length > 0 ? wrong : [nameless] };
  const parsed = workload.pod === undefined ? undefined : parsePod(workload.pod, options);
  const diagnostics = eachOnce([...wrong, ...(parsed?.diagnostics ?? []).map((one) => inWorkload(one, template))]);
  if (wrong.length > 0 || parsed?.ok === false) return { ok: false, diagnostics };
  return { ok: true, value: { workload, ...(parsed?.ok === true ? { pod: parsed.value } : {}) }, diagnostics };
}

const nameless: Diagnostic = {
  code: 'missing-name',
  severity: 'error',
  path: ['metadata', 'name'],
  message: 'Required value: name is required',
};

/** What is wrong with the pod of a template, as a field of the workload: the pod has its name from there. */
function inWorkload(diagnostic: Diagnostic, template: readonly string[]): Diagnostic {
  const [first, second] = diagnostic.path;
  const isOwnName = first === 'metadata' && (second === 'name' || second === 'namespace');
  return isOwnName ? diagnostic : { ...diagnostic, path: [...template, ...diagnostic.path] };
}

/** Two readers may have reported the same field. */
const eachOnce = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] => [
  ...new Map(diagnostics.map((one) => [`${formatPath(one.path)} ${one.message}`, one])).values(),
];
