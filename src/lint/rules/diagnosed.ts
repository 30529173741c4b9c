/** Validity is the model's business: a rule tells its diagnostics of some codes. */
import { formatPath, type Diagnostic } from '../../model/diagnostic.js';
import type { CheckedObject } from '../objects.js';
import type { RuleMatch, LintInput } from '../types.js';

export type Chosen = Partial<Pick<RuleMatch, 'part' | 'severity' | 'fix' | 'message'>>;

/** What is special about one diagnostic; undefined: it belongs to another rule. */
type Choose = (diagnostic: Diagnostic, object: CheckedObject) => Chosen | undefined;

/** Of policies. */
export const diagnosed = (
  { policies, clusterPolicies }: LintInput,
  code: string,
  choose?: Choose,
): Iterable<RuleMatch> => diagnosedIn([...policies, ...clusterPolicies], code, choose);

export function* diagnosedIn(
  objects: readonly CheckedObject[],
  code: string,
  choose: Choose = () => ({}),
): Iterable<RuleMatch> {
  for (const object of objects)
    for (const diagnostic of object.diagnostics) {
      if (diagnostic.code !== code) continue;
      const chosen = choose(diagnostic, object);
      if (chosen === undefined) continue;
      const { path, at = path, message } = diagnostic;
      yield { object, path: at, message: `${formatPath(path)}: ${message}`, ...chosen };
    }
}
