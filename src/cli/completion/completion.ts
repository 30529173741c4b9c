/** Scripts that complete commands, options and their values; made from the commands themselves. */
import { Argument, Command } from 'commander';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { wordsOf, type Words } from './words.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<
  string,
  (words: Words) => string
>;

const examples = `
Examples:
  source <(podwall completion bash)
  podwall completion zsh > "\${fpath[1]}/_podwall"
  podwall completion fish > ~/.config/fish/completions/podwall.fish`;

/** @param program is asked when the script is made, when it has all its commands */
export const completionCommand = (program: () => Command): Command =>
  new Command('completion')
    .description('print a script that completes podwall in a shell')
    .addArgument(new Argument('<shell>', 'the shell that is to complete podwall').choices(Object.keys(scripts)))
    .addHelpText('after', examples)
    .action((shell: keyof typeof scripts) => {
      process.stdout.write(scripts[shell](wordsOf(program())));
    });
