import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const bundle = resolve(import.meta.dirname, '../../dist/podwall.js');
const script = async (shell: string): Promise<string> =>
  (await execa(process.execPath, [bundle, 'completion', shell])).stdout;

describe('completion', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-completion-'));
    await writeFile(join(folder, 'podwall.bash'), await script('bash'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What bash would offer for a line. */
  const offered = async (...words: readonly string[]): Promise<string[]> => {
    const line = `source ${join(folder, 'podwall.bash')}; COMP_WORDS=(podwall ${words.map((one) => `'${one}'`).join(' ')}); COMP_CWORD=${words.length}; _podwall; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await execa('bash', ['-c', line]);
    return stdout.split('\n').filter((word) => word !== '');
  };

  test('in bash: commands, their options, and the choices of these', async () => {
    expect(await offered('li')).toEqual(['lint']);
    expect(await offered('')).toEqual(expect.arrayContaining(['agent', 'can', 'diff', 'reach', 'status']));
    expect(await offered('lint', '--fa')).toEqual(['--fail-on']);
    expect(await offered('lint', '--fail-on', '')).toEqual(['error', 'warning', 'info', 'never']);
    expect(await offered('agent', '--unknown-pods', 'd')).toEqual(['deny']);
  });

  test('in zsh and fish every command and option is named', async () => {
    const [zsh, fish] = [await script('zsh'), await script('fish')];
    for (const word of ['lint', 'agent', 'diff', '--fail-on', '--metrics-address']) {
      expect(zsh).toContain(word);
      expect(fish).toContain(word.replace('--', ''));
    }
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
