/** What can be typed after what, as the commands have it. */
import type { Command } from 'commander';
import { SuggestedOption } from '../common/options.js';

export interface OptionWords {
  /** As typed: `-o`, `--output`. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takes: 'nothing' | 'a value' | 'perhaps a value';
  /** Values to offer; files where there are none. */
  readonly values: readonly string[];
}

interface CommandWords {
  /** `['audit', 'show']` */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** Values of the first argument. */
  readonly values: readonly string[];
}

export interface Words {
  /** Commands that do something. */
  readonly commands: readonly CommandWords[];
  /** What has commands of its own, the program itself first. */
  readonly groups: readonly {
    readonly path: readonly string[];
    readonly commands: readonly { readonly name: string; readonly description: string }[];
  }[];
}

export function wordsOf(command: Command, path: readonly string[] = []): Words {
  if (command.commands.length === 0) return { commands: [commandWords(command, path)], groups: [] };
  const inner = command.commands.map((one) => wordsOf(one, [...path, one.name()]));
  const named = command.commands.map((one) => ({ name: one.name(), description: one.description() }));
  return {
    commands: inner.flatMap(({ commands }) => commands),
    groups: [{ path, commands: named }, ...inner.flatMap(({ groups }) => groups)],
  };
}

const help: OptionWords = {
  names: ['-h', '--help'],
  description: 'display help for command',
  takes: 'nothing',
  values: [],
};

const commandWords = (command: Command, path: readonly string[]): CommandWords => ({
  path,
  description: command.description(),
  values: command.registeredArguments[0]?.argChoices ?? [],
  options: [
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map((option): OptionWords => ({
        names: [option.short, option.long].filter((name) => name !== undefined),
        description: option.description,
        takes: option.required ? 'a value' : option.optional ? 'perhaps a value' : 'nothing',
        values: option.argChoices ?? (option instanceof SuggestedOption ? option.words : []),
      })),
    help,
  ],
});

/** In single quotes, as shells read them. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
