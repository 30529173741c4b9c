import { quoted, type OptionWords, type Words } from './words.js';

export function fishScript({ commands, groups }: Words): string {
  const subcommands = groups.flatMap(({ path, commands: inner }) =>
    inner.map(
      ({ name, description }) =>
        `complete -c podwall -n ${quoted(`__podwall_at ${path.join(' ')}`.trim())} -f -a ${name} -d ${quoted(description)}`,
    ),
  );
  const own = commands.flatMap(({ path, options, values }) => {
    const within = quoted(`__podwall_in ${path.join(' ')}`);
    return [
      ...(values.length === 0
        ? []
        : [`complete -c podwall -n ${quoted(`__podwall_at ${path.join(' ')}`)} -f -a ${quoted(values.join(' '))}`]),
      ...options.map((option) => `complete -c podwall -n ${within} ${optionFlags(option)}`),
    ];
  });
  return `# Whether the command is this one, and whether nothing follows it yet.
function __podwall_in
  set -l typed (commandline -opc)
  test (count $typed) -gt (count $argv); or return 1
  set -l last (math (count $argv) + 1)
  test "$typed[2..$last]" = "$argv"
end
function __podwall_at
  test (count (commandline -opc)) -eq (math (count $argv) + 1); or return 1
  test (count $argv) -eq 0; or __podwall_in $argv
end
${[...subcommands, ...own].join('\n')}
complete -c kubectl-podwall -w podwall
`;
}

function optionFlags({ names, description, takes, values }: OptionWords): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : takes === 'a value' ? ' -r' : '';
  return `${flags.join(' ')}${value} -d ${quoted(description)}`;
}
