// node:child_process for unit tests: programs that every machine has, and what a test itself wrote; no nft, no root.
// CommonJS, since packages that require it are imported by unit tests, too.
const real = require('child_process');

const programs = ['sh', 'cat', 'mkfifo'];

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

module.exports = {
  ...real,
  ...Object.fromEntries(
    ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'].map((name) => [
      name,
      checked(real[name]),
    ]),
  ),
};
