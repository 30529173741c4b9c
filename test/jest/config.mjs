/** Jest's configuration of one project, and what all of them share. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectOf, root } from './projects.mjs';

export const shared = {
  rootDir: root,
  roots: ['<rootDir>/test'],
  globalSetup: '<rootDir>/test/jest/begin.mjs',
  globalTeardown: '<rootDir>/test/jest/end.mjs',
  setupFiles: ['<rootDir>/test/jest/colours.mjs'],
  testEnvironment: 'node',
  testEnvironmentOptions: { globalsCleanup: 'off' },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript' },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

/** A unit test that starts a program of the kernel, or wants the built product, fails and says where to declare it. */
const guards = {
  '^node:child_process$': '<rootDir>/test/jest/unit-child-process.cjs',
  '^(\\.{1,2}/)+(.*/)?product\\.js$': '<rootDir>/test/jest/unit-product.mjs',
};

const testFiles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name}`);

export function configOf(name) {
  const files = testFiles.filter((path) => projectOf(path).name === name);
  return {
    ...shared,
    displayName: name,
    testMatch: files.map((path) => `<rootDir>/${path}`),
    moduleNameMapper: { ...(name === 'unit' ? guards : {}), ...shared.moduleNameMapper },
  };
}
