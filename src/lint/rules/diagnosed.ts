/** The model checks validity: a rule reports those of its diagnostics that have one code. */
import { formatPath, type Diagnostic } from '../../model/diagnostic.js';
import type { CheckedObject } from '../objects.js';
import type { RuleMatch, LintInput } from '../types.js';

type Chosen = Partial<Pick<RuleMatch, 'part' | 'severity' | 'fix' | 'message'>>;

/** What differs for one diagnostic; undefined: it belongs to another rule. */
type Choose = (diagnostic: Diagnostic, object: CheckedObject) => Chosen | undefined;

/** Diagnostics of policies of both kinds. */
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
