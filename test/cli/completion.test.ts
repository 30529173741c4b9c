import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { bundle } from '../support/product.js';

const completeInZsh = resolve(import.meta.dirname, '../support/complete.zsh');
const script = async (shell: string): Promise<string> =>
  (await execa(process.execPath, [bundle, 'completion', shell])).stdout;

/** What is typed, and what is offered for its last word: all of it, or some of it. */
const cases: readonly (readonly [string, readonly string[], 'all' | 'some'])[] = [
  ['li', ['lint'], 'all'],
  ['', ['agent', 'audit', 'can', 'diff', 'reach', 'status'], 'some'],
  ['audit ', ['coverage', 'denied', 'explain', 'loss', 'replay', 'show', 'summary', 'verify'], 'all'],
  ['audit s', ['show', 'summary'], 'all'],
  ['audit summary --top', ['--top'], 'all'],
  ['audit show --from-w', ['--from-workload'], 'all'],
  ['audit show --log x --reason so', ['source-guard'], 'all'],
  ['audit replay --fail-on ', ['denied', 'allowed', 'any'], 'all'],
  ['audit explain -o ', ['text', 'json', 'yaml'], 'all'],
  ['audit verify --policies', [], 'all'],
  ['explain -o ', ['text', 'json', 'yaml'], 'all'],
  ['lint --fa', ['--fail-on'], 'all'],
  ['lint --fail-on ', ['error', 'warning', 'info', 'never'], 'all'],
  ['lint --explain NP00', Array.from({ length: 10 }, (_, index) => `NP00${index}`), 'all'],
  ['lint --output s', ['sarif'], 'all'],
  ['reach -f x -o ', ['text', 'json', 'yaml', 'csv', 'md', 'dot', 'mermaid', 'html'], 'all'],
  ['status --output ', ['text', 'json'], 'all'],
  ['agent --unknown-pods d', ['deny'], 'all'],
  ['can a b --assume pro', ['prometheus'], 'all'],
  ['completion ', ['bash', 'fish', 'zsh'], 'all'],
];

const programs = { bash: 'bash', zsh: 'zsh', fish: 'fish' } as const;
const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

describe('completion', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-completion-'));
    for (const shell of Object.keys(programs)) await writeFile(join(folder, shell), await script(shell));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const lines = async (program: string, args: readonly string[]): Promise<string[]> => {
    const { stdout } = await execa(program, args, { cwd: folder });
    return stdout.split('\n').filter((word) => word !== '');
  };
  /** What each shell offers for a line that begins with `podwall`. */
  const offeredBy: Readonly<Record<keyof typeof programs, (typed: string) => Promise<string[]>>> = {
    bash(typed) {
      // bash takes = for a word of its own, as in an interactive shell.
      const words = `podwall ${typed}`.split(' ').flatMap((word) => word.split(/(=)/));
      const array = words.map((one) => `'${one}'`).join(' ');
      const line = `source ./bash; COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _podwall; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return lines('bash', ['-c', line]);
    },
    zsh: (typed) => lines('zsh', ['-f', completeInZsh, join(folder, 'zsh'), `podwall ${typed}`]),
    async fish(typed) {
      const found = await lines('fish', [
        '--no-config',
        '-c',
        'source ./fish; complete -C $argv[1]',
        `podwall ${typed}`,
      ]);
      return found.map((line) => line.split('\t')[0] ?? '');
    },
  };

  describe.each(['bash', 'zsh', 'fish'] as const)('in %s', (shell) => {
    const reason = isInstalled(shell) ? '' : ` [${shell} is not installed]`;
    // zsh adds what it offers twice: with what stands beside it, and to the line.
    const runs = isInstalled(shell) ? test : test.skip;
    runs.each(cases)(`%j${reason}`, async (typed, expected, extent) => {
      const offered = [...new Set(await offeredBy[shell](typed))].sort();
      if (extent === 'all') expect(offered.filter((one) => one !== 'help')).toEqual([...expected].sort());
      else expect(offered).toEqual(expect.arrayContaining([...expected]));
    });
  });

  test.each([
    ['lint --fail-on=', ['error', 'warning', 'info', 'never']],
    ['lint --fail-on=e', ['error']],
    ['lint -o json=', []],
  ])('in bash, with = in the word: %j', async (typed, expected) => {
    expect(await offeredBy.bash(typed)).toEqual(expected);
  });

  test('every command, option and value of every shell is that of the help', async () => {
    const texts = await Promise.all(Object.keys(programs).map(script));
    for (const word of ['lint', 'agent', 'diff', 'replay', 'fail-on', 'metrics-address', 'NP414', 'ingress-nginx'])
      for (const text of texts) expect(text).toContain(word);
  });

  test('another shell is the user’s mistake', async () => {
    const { exitCode } = await execa(process.execPath, [bundle, 'completion', 'csh'], { reject: false });
    expect(exitCode).toBe(2);
  });
});

test('kubectl finds it as a plugin, by its name on PATH', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-plugin-'));
  try {
    await symlink(bundle, join(folder, 'kubectl-podwall'));
    const env = { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
    // What `kubectl podwall --version` runs.
    const { stdout } = await execa('kubectl-podwall', ['--version'], { env });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
