/** helm/Containerfile, as far as it says what is in the image and what runs there. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

export interface Image {
  /** Debian packages of the last stage. */
  readonly packages: readonly string[];
  /** What the last stage copies from others; `source` and `target` are absolute. */
  readonly copies: readonly { readonly stage: string; readonly source: string; readonly target: string }[];
  /** Symbolic links: from the name to what it leads to. */
  readonly links: readonly { readonly name: string; readonly target: string }[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly healthCheck: readonly string[];
}

export async function readContainerfile(): Promise<Image> {
  const text = await readFile(resolve(import.meta.dirname, '../../../helm/Containerfile'), 'utf8');
  const lines = instructionsOf(text);
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const argumentsOf = (instruction: string): string[] =>
    last.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
  const runs = argumentsOf('RUN').flatMap((line) => line.split('&&').map((command) => command.trim().split(/\s+/)));
  return {
    packages: runs
      .filter(([program, verb]) => program === 'apt-get' && verb === 'install')
      .flatMap(([, , ...words]) => words.filter((word) => !word.startsWith('-'))),
    copies: argumentsOf('COPY').map((line) => {
      const [from = '', source = '', target = ''] = line.split(/\s+/);
      return { stage: from.replace('--from=', ''), source, target };
    }),
    links: runs
      .filter(([program, flag]) => program === 'ln' && flag === '-s')
      .map(([, , target = '', name = '']) => ({ name, target })),
    environment: pairsOf(argumentsOf('ENV')),
    labels: pairsOf(argumentsOf('LABEL')),
    entrypoint: listOf(argumentsOf('ENTRYPOINT')),
    healthCheck: listOf(argumentsOf('HEALTHCHECK')),
  };
}

/** One line per instruction, without comments. */
const instructionsOf = (text: string): string[] =>
  text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '');

const pairsOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines
      .flatMap((line) => [...line.matchAll(/([\w.]+)=("[^"]*"|\S+)/g)])
      .map(([, name = '', value = '']) => [name, value.replaceAll('"', '')]),
  );

const listOf = ([line = '[]']: readonly string[]): readonly string[] =>
  JSON.parse(line.slice(line.indexOf('['))) as string[];
