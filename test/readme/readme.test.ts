/** What README says can be copied: the formats of each command, the workflow step, the hook. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { mutants } from '../mutants/mutants.js';
import { bundle } from '../support/product.js';

jest.setTimeout(60_000);

const root = resolve(import.meta.dirname, '../..');
const readme = await readFile(join(root, 'README.md'), 'utf8');

/** The code block with this text. */
function block(text: string): string {
  const found = [...readme.matchAll(/^```\w*\n([^]*?)^```$/gm)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(text));
  if (found === undefined) throw new Error(`README has no block with ${text}`);
  return found;
}

test('the table of formats says what each command takes', async () => {
  const help = async (...args: readonly string[]): Promise<string> =>
    (await execa(process.execPath, [bundle, ...args, '--help'])).stdout;
  const commandsIn = (text: string): string[] =>
    [...(text.split('\nExamples:')[0] ?? '').matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
  const commands = commandsIn(await help()).filter((name) => name !== 'audit');
  const ofAudit = commandsIn(await help('audit')).map((name) => `audit ${name}`);
  const taken = await Promise.all(
    [...ofAudit, ...commands].map(async (name) => {
      const text = /help$/.test(name)
        ? ''
        : (await help(...name.split(' '))).replaceAll('"', '').replaceAll(/\s+/g, ' ');
      const [, choices] = /-o, --output .*?\(([a-z|]+); default [a-z]+\)/.exec(text) ?? [];
      return choices === undefined ? [] : [[name, choices.replaceAll('|', ', ')]];
    }),
  );
  const rows = [...readme.matchAll(/^\| `([\w ]+)` \| ([a-z, ]+) \|$/gm)].map(([, name, formats]) => [name, formats]);
  expect(rows).toEqual(taken.flat());
});

test('as many faults are planted as it says', () => {
  expect(readme).toContain(`\`npm run mutants\` plants ${mutants.length} faults `);
});

test('what questions about the examples print is what README shows', async () => {
  const blocks = [...readme.matchAll(/^```\n(\$ podwall (?:can|explain|reach) [^]*?)^```$/gm)].map(
    ([, text = '']) => text,
  );
  const shown = blocks.flatMap((text) => text.split(/^(?=\$ podwall )/m));
  expect(shown.length).toBeGreaterThan(3);
  for (const part of shown) {
    const [command = '', ...lines] = part.trimEnd().split('\n');
    const { stdout } = await execa(process.execPath, [bundle, ...command.split(' ').slice(2)], {
      cwd: root,
      reject: false,
    });
    expect(`${command}\n${stdout}`).toBe([command, ...lines].join('\n'));
  }
});

const policy = (protocol: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  podSelector: {}\n  policyTypes: [Ingress]\n  ingress: [{ports: [{protocol: ${protocol}, port: 80}]}]\n`;

describe('in a repository with manifests', () => {
  let folder: string;
  const write = (protocol: string): Promise<void> => writeFile(join(folder, 'manifests', 'web.yaml'), policy(protocol));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-readme-'));
    await mkdir(join(folder, 'manifests'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('the step of the workflow annotates, writes SARIF, and fails for an error', async () => {
    const workflow = parse(block('.github/workflows')) as { jobs: { policies: { steps: { run?: string }[] } } };
    const command = workflow.jobs.policies.steps.find(({ run = '' }) => run.includes(' lint '))?.run ?? '';
    await symlink(root, join(folder, '.podwall'));
    await write('tcp');
    const { stdout, exitCode } = await execa('bash', ['-e', '-c', command], { cwd: folder, reject: false });
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/^::error file=manifests\/web\.yaml,line=7,/)]);
    expect(JSON.parse(await readFile(join(folder, 'podwall.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
    await write('TCP');
    expect((await execa('bash', ['-e', '-c', command], { cwd: folder, reject: false })).exitCode).toBe(0);
  });

  test('the hook checks what is staged, and lets other commits pass', async () => {
    const bin = join(folder, '.bin');
    await mkdir(bin);
    await symlink(bundle, join(bin, 'podwall'));
    const options = { cwd: folder, reject: false, env: { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` } };
    const git = (...args: readonly string[]) =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], options);
    const commit = () => git('commit', '--quiet', '-m', 'policies');
    await git('init', '--quiet');
    const hook = join(folder, '.git/hooks/pre-commit');
    await mkdir(join(folder, '.git/hooks'), { recursive: true });
    await writeFile(hook, block('.git/hooks/pre-commit'));
    await chmod(hook, 0o755);

    await write('tcp');
    await git('add', 'manifests');
    const refused = await commit();
    expect([refused.exitCode, refused.stdout + refused.stderr]).toEqual([
      1,
      expect.stringContaining('manifests/web.yaml:7:33: error NP013'),
    ]);
    await write('TCP');
    expect((await commit()).exitCode).toBe(1);
    await git('add', 'manifests');
    await write('tcp');
    expect((await commit()).exitCode).toBe(0);
    await writeFile(join(folder, 'notes.txt'), 'nothing to lint');
    await git('add', 'notes.txt');
    expect((await commit()).exitCode).toBe(0);
  });
});
