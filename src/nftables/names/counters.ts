/** Names of counters, of both tables. */
import { skeletonDrops } from '../../program/drop-reasons.js';
import { direction, flag, hash, ofRule, oneOf, words } from './fields.js';
import { grammarOf, type MeaningIn } from './grammar.js';

/** Of packets that a pod's device does not let through: what it sends, and what a bridge brings. */
const at = oneOf('at', ['guard', 'bridge']);

const forms = {
  /** By the policies of both ends, without what the verdict cache let through; streams that were met in their middle. */
  accepted: [oneOf('what', ['policy', 'midstream']), '-accepted'],
  'skeleton-drop': ['drop-', oneOf('reason', skeletonDrops)],
  /** Of packets that these policies deny. */
  drop: ['drop-', direction, '-', hash('policies')],
  'dry-run-deny': ['dry-run-deny-', direction, '-', hash('policies'), flag('recorded', '-recorded')],
  rule: ['rule-', ...ofRule],
  'dry-run-allow': ['dry-run-allow-', ...ofRule],
  'guard-drop': ['drop-', at],
  /** Of denied packets, those that passed the limits of the log, by the direction that was evaluated. */
  logged: ['logged-', words('scope', { ingress: 'in', egress: 'out', neither: 'other' })],
  'guard-logged': ['logged-', at],
  /** Packets that the log should report and that were not denied, and those of them that passed its limits. */
  'to-report': ['to-report'],
  'guard-to-report': ['to-report-', at],
  'logged-report': ['logged-report'],
  'guard-logged-report': ['logged-report-', at],
  /** Added and deleted by one transaction, by which its commit is known from others'. */
  commit: ['commit-', hash('mark')],
} as const;

export type CounterMeaning = MeaningIn<typeof forms>;
export const counters = grammarOf(forms);
