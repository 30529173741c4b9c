import type { Effect } from '../../program/types.js';
import type { MutableRuleset } from '../language/mutable-ruleset.js';
import type { Ruleset } from '../language/types.js';
import type { InBuild } from './in-build.js';
import type { TurnContent } from './turn-content.js';

/** One turn's part of the way from what the kernel holds to what it should hold. */
export interface PlanInput {
  /** May be ahead of the kernel by the turns of others, or behind what the turn brings. */
  readonly desired: Ruleset;
  /** What the kernel holds now; steps move it when they are recorded. */
  readonly applied: MutableRuleset;
  readonly inBuild: InBuild;
  readonly content: TurnContent;
  readonly effect: Effect;
  /** Turns that began before and have not switched, the last one first: what the content refers to may be theirs. */
  readonly earlier?: () => readonly TurnContent[];
}
