import { quoted, type OptionWords, type Words } from './words.js';

export function zshScript({ commands, groups }: Words): string {
  const described = groups.map(({ path, commands: inner }) => {
    const entries = inner.map(({ name, description }) => quoted(`${name}:${plain(description)}`));
    return `    ${quoted(path.join(' '))}) commands=(${entries.join(' ')}) ;;`;
  });
  const specs = commands.map(({ path, options, values }) => {
    const first = values.length === 0 ? [] : [quoted(`1:value:(${values.join(' ')})`)];
    const all = [...options.flatMap(optionSpecs), ...first, quoted('*:file:_files')];
    return `    ${quoted(path.join(' '))}) _arguments -s ${all.join(' ')} ;;`;
  });
  const inner = groups.flatMap(({ path }) => (path.length === 0 ? [] : [quoted(path.join(' '))]));
  return `#compdef podwall kubectl-podwall
_podwall() {
  local -a commands groups=(${inner.join(' ')})
  local command= depth=1
  (( \${groups[(Ie)$words[2]]} )) && depth=2
  (( depth < CURRENT - 1 )) || depth=$(( CURRENT - 2 ))
  command="\${words[2,depth+1]}"
  case $command in
${described.join('\n')}
  esac
  if (( $#commands && CURRENT == depth + 2 )); then _describe command commands; return; fi
  shift $depth words
  (( CURRENT -= depth ))
  case $command in
${specs.join('\n')}
  esac
}
compdef _podwall podwall kubectl-podwall
# Found in fpath, the file itself is the function when it is called first.
if [[ \${funcstack[1]} == _podwall ]]; then _podwall "$@"; fi
`;
}

/** What would end a description. */
const plain = (text: string): string => text.replaceAll(/[[\]:]/g, ' ');

const optionSpecs = ({ names, description, takes, values }: OptionWords): readonly string[] =>
  names.map((name) => {
    const joined = takes === 'nothing' ? '' : name.startsWith('--') ? '=' : '+';
    const offered = values.length === 0 ? '_files' : `(${values.join(' ')})`;
    const value = takes === 'nothing' ? '' : `${takes === 'a value' ? ':' : '::'}value:${offered}`;
    return quoted(`*${name}${joined}[${plain(description)}]${value}`);
  });
