import { describe, expect, test } from '@jest/globals';
import { conformanceCases } from '../cases/conformance.js';
import { cornerCases } from '../cases/corner-cases.js';
import { allExamplesAtOnce } from '../cases/examples.js';
import { randomClusters } from '../cases/random-clusters.js';
import { runEvaluation } from '../cases/run-evaluation.js';
import { runOracle } from '../cases/run-oracle.js';
import { cases, seed } from '../support/seed.js';
import type { Case } from '../cases/types.js';

/** The kernel runs the same tables: test/kernel/. */
const implementations = [
  ['evaluation', runEvaluation],
  ['the oracle', runOracle],
] as const;

function runAll(tables: readonly Case[]): void {
  describe.each(implementations)('%s', (_, run) => {
    test.each(tables.map((table) => [`${table.id} ${table.title}`, table] as const))('%s', (__, table) => {
      const { asked, wrong } = run(table);
      expect(wrong).toEqual([]);
      expect(asked).toBeGreaterThan(0);
    });
  });
}

describe('upstream conformance', () => {
  for (const families of ['IPv4', 'IPv6', 'dual'] as const)
    for (const nodes of [1, 2] as const)
      describe(`${families}, ${nodes === 1 ? 'one node' : 'two nodes'}`, () => {
        runAll(conformanceCases({ families, nodes }));
      });

  test('is complete', () => {
    const cases = conformanceCases({ families: 'IPv4', nodes: 1 });
    const cells = cases.flatMap(({ steps }) => steps.flatMap(({ expect: cells }) => cells));
    expect([cases.length, cells.length, cells.filter(({ allowed }) => allowed).length]).toEqual([48, 506, 397]);
  });
});

describe('random clusters', () => {
  runAll([randomClusters(seed, cases(25))]);
});

describe('the examples', () => {
  runAll([allExamplesAtOnce()]);
});

describe('corner cases', () => {
  runAll(cornerCases);

  test('all thirty-one of the checklist', () => {
    expect(cornerCases.filter(({ id }) => id.startsWith('A'))).toHaveLength(31);
  });
});
