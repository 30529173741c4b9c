/** Scripts that complete commands, options and their choices; made from the commands themselves. */
import { Argument, Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const examples = `
Examples:
  source <(podwall completion bash)
  podwall completion zsh > "\${fpath[1]}/_podwall"
  podwall completion fish > ~/.config/fish/completions/podwall.fish`;

/** @param program is asked when the script is made, when it has all its commands */
export const completionCommand = (program: () => Command): Command =>
  new Command('completion')
    .description('print a script that completes podwall in a shell')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText('after', examples)
    .action((shell: Shell) => {
      process.stdout.write(scripts[shell](wordsOf(program())));
    });

interface Words {
  readonly command: string;
  readonly description: string;
  readonly options: readonly {
    readonly name: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
}

const wordsOf = (program: Command): readonly Words[] =>
  program.commands.map((command) => ({
    command: command.name(),
    description: command.description(),
    options: command.options.flatMap(({ long, description, argChoices }) =>
      long === undefined ? [] : [{ name: long, description, choices: argChoices ?? [] }],
    ),
  }));

function bash(words: readonly Words[]): string {
  const options = words.map(
    ({ command, options: own }) => `    ${command}) words="${own.map(({ name }) => name).join(' ')}" ;;`,
  );
  return `_podwall() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  case "\${COMP_WORDS[1]} $previous" in
${choicesOf(words)
  .map(({ command, name, choices }) => `    "${command} ${name}") words="${choices.join(' ')}" ;;`)
  .join('\n')}
  esac
  if [[ -z $words && $COMP_CWORD -eq 1 ]]; then words="${words.map(({ command }) => command).join(' ')}"
  elif [[ -z $words && $current == -* ]]; then case "\${COMP_WORDS[1]}" in
${options.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _podwall podwall
`;
}

const choicesOf = (words: readonly Words[]) =>
  words.flatMap(({ command, options }) =>
    options.filter(({ choices }) => choices.length > 0).map(({ name, choices }) => ({ command, name, choices })),
  );

/** In single quotes, as shells read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function zsh(words: readonly Words[]): string {
  const described = (text: string): string => text.replaceAll(/[[\]:]/g, ' ');
  const cases = words.map(({ command, options }) => {
    const specs = options.map(({ name, description, choices }) =>
      quoted(`*${name}[${described(description)}]${choices.length === 0 ? '' : `:value:(${choices.join(' ')})`}`),
    );
    return `    ${command}) _arguments ${[...specs, quoted('*:file:_files')].join(' ')} ;;`;
  });
  return `#compdef podwall
_podwall() {
  local -a commands=(${words.map(({ command, description }) => quoted(`${command}:${described(description)}`)).join(' ')})
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words; (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
compdef _podwall podwall
`;
}

function fish(words: readonly Words[]): string {
  const commands = words.map(
    ({ command, description }) =>
      `complete -c podwall -n __fish_use_subcommand -f -a ${command} -d ${quoted(description)}`,
  );
  const options = words.flatMap(({ command, options: own }) =>
    own.map(({ name, description, choices }) => {
      const values = choices.length === 0 ? '' : ` -x -a ${quoted(choices.join(' '))}`;
      return `complete -c podwall -n '__fish_seen_subcommand_from ${command}' -l ${name.slice(2)}${values} -d ${quoted(description)}`;
    }),
  );
  return `${[...commands, ...options].join('\n')}\n`;
}

const scripts: Readonly<Record<Shell, (words: readonly Words[]) => string>> = { bash, zsh, fish };
