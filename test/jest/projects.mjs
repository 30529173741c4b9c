/**
 * What tests need before they run, declared here and nowhere else: a file belongs to the first project that names it or its
 * folder, else to `unit`. `npm test` provides what the files of a run need, and nothing more.
 */
import { join } from 'node:path';

/** @typedef {'product' | 'packages' | 'shells' | 'image'} Need */

export const root = join(import.meta.dirname, '../..');

/** @type {readonly { name: string, needs: readonly Need[], tests: readonly string[], except?: readonly string[] }[]} */
export const projects = [
  {
    // Root, network namespaces and nft as well; where they are missing, the tests are skipped with the reason.
    name: 'kernel',
    needs: ['product', 'packages'],
    tests: ['test/kernel/', 'test/faults/faults.test.ts'],
    except: ['attachments', 'bridge-netfilter', 'monitor', 'nft-errors', 'time-limit'].map(
      (name) => `test/kernel/${name}.test.ts`,
    ),
  },
  {
    // The chart, installed in a cluster, and the image's files as the chart runs them.
    name: 'image',
    needs: ['product', 'packages', 'image'],
    tests: ['test/helm/'],
    except: ['test/helm/chart.test.ts', 'test/helm/containerfile.test.ts'],
  },
  {
    // In each shell that completes; where one is missing, its tests are skipped with the reason.
    name: 'shells',
    needs: ['product', 'shells'],
    tests: ['test/cli/completion.test.ts'],
  },
  {
    // Run as a user runs it: the bundle, or programs beside it.
    name: 'product',
    needs: ['product'],
    tests: ['test/cli/', 'test/helm/chart.test.ts', 'test/readme/', 'test/schemas/'],
    except: ['wrong-types', 'audit/filters'].map((name) => `test/cli/${name}.test.ts`),
  },
  { name: 'unit', needs: [], tests: ['test/'] },
];

/** @param {string} path from the repository's root */
export function projectOf(path) {
  const isNamed = ({ tests, except = [] }) => tests.some((name) => path.startsWith(name)) && !except.includes(path);
  const project = projects.find(isNamed);
  if (project === undefined) throw new Error(`${path} is not in test/`);
  return project;
}
