import { describe, expect, test } from '@jest/globals';
import { conformanceCases } from '../cases/conformance.js';
import { runEvaluation } from '../cases/run-evaluation.js';
import type { Case } from '../cases/types.js';

function runAll(tables: readonly Case[]): void {
  test.each(tables.map((table) => [`${table.id} ${table.title}`, table] as const))('%s', (_, table) => {
    const { asked, wrong } = runEvaluation(table);
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(0);
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
