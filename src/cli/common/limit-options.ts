/** The flags of limits, the same for the agent that holds to them and for lint that says it beforehand. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { limitDefinitions, limitNames, type LimitName, type Limits } from '../../limits/limits.js';
import { standardPolicyMemory } from '../../limits/memory-weights.js';

export type LimitFlags = Readonly<Record<`max${Capitalize<LimitName>}`, number>> & {
  /** Megabytes. */
  readonly maxPolicyMemory: number;
};

const megabyte = 1_000_000;

export function withLimitOptions(command: Command): Command {
  const option = (flag: string, text: string, value: number): Option =>
    new Option(`--${flag} <number>`, text).argParser(countOption).default(value);
  for (const name of limitNames) {
    const { flag, of, what, standard } = limitDefinitions[name];
    command.addOption(option(flag, `limit of a ${of}: ${what}`, standard));
  }
  const memory = 'megabytes that the policies of a node may take by estimate; what does not fit fails closed';
  return command.addOption(option('max-policy-memory', memory, standardPolicyMemory / megabyte));
}

export const limitsOf = (flags: LimitFlags): Limits =>
  Object.fromEntries(
    limitNames.map((name) => [name, flags[`max${name.charAt(0).toUpperCase()}${name.slice(1)}` as keyof LimitFlags]]),
  ) as Limits;

/** Bytes. */
export const policyMemoryOf = ({ maxPolicyMemory }: LimitFlags): number => maxPolicyMemory * megabyte;

function countOption(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError(`${text}: must be a whole number above 0.`);
  return Number(text);
}
