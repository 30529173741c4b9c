/** Help as people know it from kubectl and gh: groups, defaults as one types them, as wide as the terminal. */
import type { Argument, Command, Option } from 'commander';
import { hasColours } from './colours.js';

/** Characters beside a term: with fewer, its text stands below it. */
const minWidthToWrap = 24;
/** A line is read more easily when it is no longer. */
const widest = 120;

/** For the command and all below it. */
export function withHelp(command: Command): Command {
  command
    .configureHelp({
      showGlobalOptions: true,
      minWidthToWrap,
      helpWidth: Math.min(process.stdout.isTTY ? process.stdout.columns : 80, widest),
      optionDescription: describe,
      argumentDescription: describe,
      subcommandTerm: (one) => [one.name(), ...one.registeredArguments.map(argumentTerm)].join(' '),
      // Taken away again where there are no colours.
      styleTitle: (text) => `\u001b[1m${text}\u001b[22m`,
    })
    .configureOutput({ getOutHasColors: () => hasColours(process.stdout) });
  for (const one of command.commands) withHelp(one);
  return command;
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function describe({ description, argChoices, defaultValue, defaultValueDescription }: Option | Argument): string {
  const standard = defaultValueDescription ?? typed(defaultValue);
  const more = [
    ...(argChoices === undefined ? [] : [argChoices.join('|')]),
    ...(standard === undefined ? [] : [`default ${standard}`]),
  ];
  return more.length === 0 ? description : `${description} (${more.join('; ')})`;
}

/** Undefined where nothing is typed: no value, an empty list, a flag that is off. */
function typed(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(String).join(',');
  return ['string', 'number', 'boolean'].includes(typeof value) && value !== false && value !== ''
    ? `${value as string | number | true}`
    : undefined;
}
