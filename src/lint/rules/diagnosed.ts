/** The model checks validity: a rule reports those of its diagnostics that have one code. */
import { formatPath, type Diagnostic } from '../../model/diagnostic.js';
import type { CheckedObject } from '../objects.js';
import type { RuleMatch, LintInput } from '../types.js';

export type Chosen = Partial<Pick<RuleMatch, 'part' | 'severity' | 'fix' | 'message'>>;

/**
 * @param choose what differs for one diagnostic; undefined: it belongs to another rule
 */
export function* diagnosed(
  { policies, clusterPolicies }: LintInput,
  code: string,
  choose: (diagnostic: Diagnostic, object: CheckedObject) => Chosen | undefined = () => ({}),
): Iterable<RuleMatch> {
  for (const object of [...policies, ...clusterPolicies])
    for (const diagnostic of object.diagnostics) {
      if (diagnostic.code !== code) continue;
      const chosen = choose(diagnostic, object);
      if (chosen === undefined) continue;
      const { path, at = path, message } = diagnostic;
      yield { object, path: at, message: `${formatPath(path)}: ${message}`, ...chosen };
    }
}
