import { CommandList } from '../language/command-list.js';
import { sameHook, sameRules } from '../language/compare.js';
import type { Transaction } from '../language/command.js';
import type { Chain, Ruleset } from '../language/types.js';

export interface GuardPlanInput {
  readonly desired: Ruleset;
  /** What the kernel lists; undefined when there is no table. */
  readonly applied: Ruleset | undefined;
  /** Devices that exist now, with their ifindex. */
  readonly liveDevices: ReadonlyMap<string, number>;
  /** The ifindex that each chain was hooked on; unknown after a start. */
  readonly hookedIfindex: ReadonlyMap<string, number>;
}

/**
 * The transaction that brings the guards to `desired`, or undefined when they are there. A chain is made anew when the
 * device behind its name may be another one than it was hooked on: neither nft nor the kernel reports it.
 */
export function planGuards({ desired, applied, liveDevices, hookedIfindex }: GuardPlanInput): Transaction | undefined {
  const commands = new CommandList(desired);
  if (applied === undefined) commands.addTable(desired.title);
  for (const counter of desired.counters) if (applied?.counters.has(counter) !== true) commands.addCounter(counter);
  const present = applied?.chains ?? new Map<string, Chain>();
  for (const chain of present.values()) if (!desired.chains.has(chain.name)) remove(commands, chain.name);
  for (const chain of desired.chains.values()) {
    const ifindex = liveDevices.get(chain.hook?.device ?? '');
    const before = present.get(chain.name);
    // A device that went meanwhile: its chain would hook the next one of that name with this pod's addresses.
    if (ifindex === undefined) {
      if (before !== undefined) remove(commands, chain.name);
      continue;
    }
    const stays =
      before !== undefined && sameHook(before.hook, chain.hook) && hookedIfindex.get(chain.name) === ifindex;
    if (stays && sameRules(before.rules, chain.rules)) continue;
    if (stays) {
      commands.flushChain(chain.name);
    } else {
      if (before !== undefined) remove(commands, chain.name);
      commands.addChain(chain);
    }
    commands.addRules(chain.name, chain.rules);
  }
  for (const counter of applied?.counters ?? []) if (!desired.counters.has(counter)) commands.deleteCounter(counter);
  return commands.isEmpty ? undefined : commands.transaction('narrows');
}

function remove(commands: CommandList, chain: string): void {
  commands.flushChain(chain);
  commands.deleteChain(chain);
}
