import { CommandList } from '../language/command-list.js';
import { sameHook, sameKind, sameRules } from '../language/compare.js';
import type { Transaction } from '../language/command.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';

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
export function planGuards(input: GuardPlanInput): Transaction | undefined {
  const { desired, applied, liveDevices } = input;
  const commands = new CommandList(desired);
  if (applied === undefined) commands.addTable(desired.title);
  for (const counter of desired.counters) if (applied?.counters.has(counter) !== true) commands.addCounter(counter);
  const present = applied?.chains ?? new Map<string, Chain>();
  // A device that went meanwhile: its chain would hook the next one of that name with this pod's addresses.
  const required = [...desired.chains.values()].filter(
    ({ hook }) => hook === undefined || liveDevices.has(hook.device ?? ''),
  );
  const remade = required.filter((chain) => !stays(chain, input));
  const changed = required.filter((chain) => !sameRules(present.get(chain.name)?.rules ?? [], chain.rules));
  const names = new Set(required.map(({ name }) => name));
  const gone = [...present.values()].filter(({ name }) => !names.has(name));
  const outdated = [...gone, ...remade].filter(({ name }) => present.has(name));
  const rewritten = new Set([...remade, ...changed]);
  // Rules first: they refer to other chains and to sets.
  for (const { name } of new Set([...outdated, ...rewritten])) if (present.has(name)) commands.flushChain(name);
  // Elements of a map that goes name chains that go.
  for (const set of applied?.sets.values() ?? []) if (!isKept(set, input)) commands.deleteSet(set);
  for (const object of applied?.others?.values() ?? []) commands.deleteOther(object);
  for (const { name } of outdated) commands.deleteChain(name);
  fillSets(commands, input);
  for (const chain of remade) commands.addChain(chain);
  for (const chain of rewritten) commands.addRules(chain.name, chain.rules);
  for (const counter of applied?.counters ?? []) if (!desired.counters.has(counter)) commands.deleteCounter(counter);
  return commands.isEmpty ? undefined : commands.transaction('narrows');
}

/** Whether the chain is there, on the device that has its name now. */
function stays({ name, hook }: Chain, { applied, liveDevices, hookedIfindex }: GuardPlanInput): boolean {
  const before = applied?.chains.get(name);
  if (before === undefined || !sameHook(before.hook, hook)) return false;
  return hook === undefined || hookedIfindex.get(name) === liveDevices.get(hook.device ?? '');
}

function isKept(set: NftSet, { desired }: GuardPlanInput): boolean {
  const after = desired.sets.get(set.name);
  return after !== undefined && sameKind(set, after);
}

function fillSets(commands: CommandList, input: GuardPlanInput): void {
  for (const set of input.desired.sets.values()) {
    const found = input.applied?.sets.get(set.name);
    const before = found !== undefined && isKept(found, input) ? found : undefined;
    if (before === undefined) commands.addSet(set);
    // What packets add is theirs.
    if (set.dynamic !== undefined || before?.elements === set.elements) continue;
    commands.deleteElements(
      set,
      [...(before?.elements.keys() ?? [])].filter((key) => !set.elements.has(key)),
    );
    commands.addElements(
      set,
      [...set.elements].filter(([key]) => before?.elements.has(key) !== true),
    );
  }
}
