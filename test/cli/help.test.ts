/** What a user reads first. */
import { expect, test } from '@jest/globals';
import { execa } from 'execa';
import { bundle } from '../support/product.js';

const help = async (...words: string[]): Promise<string> =>
  (await execa(process.execPath, [bundle, ...words, '--help'])).stdout;

test('commands stand in groups, with examples and exit codes below them', async () => {
  const text = await help();
  const heads = text.split('\n').filter((line) => /^[A-Z].*:$/.test(line));
  expect(heads).toEqual(['Options:', 'Policies:', 'The agent:', 'The audit log:', 'Others:', 'Examples:']);
  expect(text).toMatch(/^Policies:\n {2}lint/m);
  expect(text).toMatch(/^The agent:\n {2}agent/m);
  expect(text).toMatch(/Exit codes: 0 done; 1 the answer is no; 2 usage or input; 3 nothing to analyse; 4 partial; 5 /);
  for (const line of text.split('\nExamples:')[0]?.split('\n') ?? []) expect(line.length).toBeLessThanOrEqual(80);
});

test.each(['lint', 'can', 'explain', 'reach', 'diff', 'render', 'agent', 'audit show', 'audit summary'])(
  '%s: defaults are what one would type',
  async (command) => {
    const text = await help(...command.split(' '));
    expect(text).not.toMatch(/default: ?(\[|false|"|true)|\[\]/);
    expect(text).not.toMatch(/default (\[|false|")/);
  },
);

test('a choice and its default stand in one bracket', async () => {
  expect((await help('lint')).replace(/\s+/g, ' ')).toContain('(error|warning|info|never; default error)');
  expect((await help('audit', 'show')).replace(/\s+/g, ' ')).toContain('(utc|local|relative; default utc)');
});

test('an argument says what it may be', async () => {
  expect((await help('completion')).replace(/\s+/g, ' ')).toContain('(bash|zsh|fish)');
});

test('verdicts are coloured where that is asked for, and nowhere else', async () => {
  const can = async (environment: NodeJS.ProcessEnv): Promise<string> =>
    (
      await execa(process.execPath, [bundle, 'can', 'internet', 'a.x', '80', '-f', '-'], {
        input: 'apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\nspec: {containers: []}\n',
        env: environment,
        reject: false,
      })
    ).stdout;
  expect(await can({ FORCE_COLOR: '1' })).toMatch(/^\u001b\[32myes\u001b\[39m: /);
  expect(await can({})).toMatch(/^yes: /);
});
