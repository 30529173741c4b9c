// `npm test -- ARGUMENTS OF JEST`: provides what the files of this run need, by test/jest/projects.mjs, and runs them.
import { execa } from 'execa';
import { relative } from 'node:path';
import { projectOf, root } from './projects.mjs';

const args = process.argv.slice(2);
const env = { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings` };
const jest = (more, options) =>
  execa('jest', [...args, ...more], { preferLocal: true, cwd: root, env, reject: false, ...options });

const { stdout } = await jest(['--listTests', '--json'], { stderr: 'inherit' });
const files = stdout.startsWith('[') ? JSON.parse(stdout) : [];
const needs = new Set(files.flatMap((file) => projectOf(relative(root, file)).needs));
const run = (command, ...rest) => execa(command, rest, { preferLocal: true, cwd: root, stdio: 'inherit' });
if (needs.has('product')) await run('node', 'test/build/product.mjs');
if (needs.has('packages')) await run('tsx', 'test/build/prepare.ts', ...(needs.has('image') ? ['--image'] : []));
if (needs.has('shells')) await run('tsx', 'test/build/prepare.ts', '--shells');

const { exitCode = 1 } = await jest([], { stdio: 'inherit' });
process.exitCode = exitCode;
