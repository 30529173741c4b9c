// node:child_process for unit tests: programs that every machine has, and what a test itself wrote; no nft, no root.
import * as real from 'child_process';

const programs = ['sh', 'mkfifo'];

function check(file, args) {
  const words = [file, ...(Array.isArray(args) ? args : [])].map(String);
  const isProduct = words.some((word) => /\bdist\/[\w-]+\.js$/.test(word));
  if (!isProduct && (file.startsWith('/') || programs.includes(file))) return;
  const need = isProduct
    ? 'the built product: name this file under `product`'
    : `\`${file}\`: name this file under \`kernel\``;
  throw new Error(`a unit test has no access to ${need} in test/jest/projects.mjs`);
}

const checked =
  (run) =>
  (file, ...rest) => {
    check(file, rest[0]);
    return run(file, ...rest);
  };

export const spawn = checked(real.spawn);
export const spawnSync = checked(real.spawnSync);
export const execFile = checked(real.execFile);
export const execFileSync = checked(real.execFileSync);
export const exec = checked(real.exec);
export const execSync = checked(real.execSync);
export const fork = checked(real.fork);
export const { ChildProcess } = real;
export default { ...real, spawn, spawnSync, exec, execSync, execFile, execFileSync, fork };
