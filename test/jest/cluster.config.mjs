import { shared } from './config.mjs';

// `npm run test:cluster`: a real API server is taken through its failures, and the image is built.
export default {
  ...shared,
  testMatch: ['**/*.cluster.ts'],
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/test/jest/reporter.cjs'],
};
