import { CommandList, piecesOf } from '../language/command-list.js';
import type { Transaction } from '../language/command.js';
import { sameKind } from '../language/compare.js';
import type { Ruleset } from '../language/types.js';
import { todaysName } from '../names/retired.js';

/**
 * At an upgrade: what packets added to sets of an earlier release, for the sets that take their place. Undefined when
 * the kernel holds no such set.
 */
export function carryOver(desired: Ruleset, held: Ruleset): Transaction | undefined {
  const commands = new CommandList(desired);
  let isUpgrade = false;
  for (const old of held.sets.values()) {
    if (old.dynamic === undefined) continue;
    const set = desired.sets.get(todaysName(old.name));
    // It may have room for more.
    if (set?.dynamic === undefined || set.name === old.name) continue;
    if (!sameKind(set, { ...old, dynamic: set.dynamic })) continue;
    isUpgrade = true;
    for (const piece of piecesOf([...old.elements])) commands.addElements(set, piece);
  }
  return isUpgrade ? commands.transaction('none') : undefined;
}
