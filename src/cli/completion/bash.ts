import type { Words } from './words.js';

export function bashScript({ commands, groups }: Words): string {
  const subcommands = groups.map(
    ({ path, commands: inner }) => `    ${quotedPath(path)}) words="${inner.map(({ name }) => name).join(' ')}" ;;`,
  );
  const options = commands.map(
    ({ path, options: own }) =>
      `    ${quotedPath(path)}) words="${own.flatMap(({ names }) => names.filter((name) => name.startsWith('--'))).join(' ')}" ;;`,
  );
  const values = commands.flatMap(({ path, options: own, values: first }) => [
    ...own
      .filter(({ values: offered }) => offered.length > 0)
      .map(({ names, values: offered }) => ({ path, after: names, offered })),
    ...(first.length === 0 ? [] : [{ path, after: path.slice(-1), offered: first }]),
  ]);
  const offers = values.map(
    ({ path, after, offered }) =>
      `    ${after.map((word) => `"${[...path, word].join(' ')}"`).join('|')}) words="${offered.join(' ')}" ;;`,
  );
  // Only groups have two words before the options: the names of the groups show how long a command is.
  return `_podwall() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command words= depth=1 IFS=$' \\t\\n'
  # bash takes the = of --option=value for a word of its own.
  if [[ $current == = ]]; then current=
  elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "\${COMP_WORDS[1]}" in
    ${groupNames(groups)}) depth=2 ;;
  esac
  (( depth < COMP_CWORD )) || depth=$(( COMP_CWORD - 1 ))
  command=\${COMP_WORDS[*]:1:depth}
  if [[ $current == -* ]]; then case "$command" in
${options.join('\n')}
  esac
  else case "$command $previous" in
${offers.join('\n')}
  esac
  [[ -n $words || $COMP_CWORD -gt $(( depth + 1 )) ]] || case "$command" in
${subcommands.join('\n')}
  esac
  fi
  [[ -z $words ]] || compopt +o default 2>/dev/null
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _podwall podwall kubectl-podwall
`;
}

const quotedPath = (path: readonly string[]): string => `"${path.join(' ')}"`;

const groupNames = (groups: Words['groups']): string =>
  groups.flatMap(({ path }) => (path.length === 0 ? [] : [path.join(' ')])).join('|');
