/** Options and values under their previous names: refused with the new one, since a value may mean something else now. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { UsageError } from './exit-codes.js';

/** @param use the new name, and what must be known to use it */
export function refuseRenamed(command: Command, renamed: Readonly<Record<string, string>>): Command {
  for (const [name, use] of Object.entries(renamed)) {
    command.addOption(new Option(`--${name} [value]`).hideHelp());
    command.on(`option:${name}`, () => {
      throw new UsageError(`--${name}: use ${use}`);
    });
  }
  return command;
}

/** An option some of whose values have a new name. */
export function withRenamedValues(option: Option, renamed: Readonly<Record<string, string>>): Option {
  const parse = option.parseArg;
  return option.argParser((value: string, before: unknown) => {
    if (Object.hasOwn(renamed, value)) throw new InvalidArgumentError(`"${value}" is now "${renamed[value] ?? ''}".`);
    return parse === undefined ? value : parse(value, before);
  });
}
