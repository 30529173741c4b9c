import { describe, expect, test } from '@jest/globals';
import { exampleCases, examples } from '../cases/examples.js';
import { runEvaluation } from '../cases/run-evaluation.js';
import type { Manifest } from '../cases/types.js';

const all = examples();
const ofKind = (kind: string): readonly Manifest[] =>
  all.flatMap(({ objects }) => objects).filter((one) => one.kind === kind);
const twice = (values: readonly string[]): readonly string[] =>
  values.filter((value, index) => values.indexOf(value) !== index);

test('there are at least fifteen', () => {
  expect(all.length).toBeGreaterThanOrEqual(15);
});

test('all can run at once: namespaces and addresses are unique', () => {
  const addresses = ofKind('Pod').flatMap(({ status }) =>
    (status as { podIPs: { ip: string }[] }).podIPs.map(({ ip }) => ip),
  );
  expect(twice(addresses)).toEqual([]);
  expect(twice(ofKind('Namespace').map(({ metadata }) => metadata.name))).toEqual([]);
});

describe.each(all.map((example) => [example.directory, example] as const))('%s', (_, { text, cells }) => {
  test('says what it does', () => {
    expect(text).toMatch(/^# \S/);
  });

  test('shows something allowed and something denied', () => {
    expect(new Set(cells.map(({ allowed }) => allowed))).toEqual(new Set([true, false]));
  });
});

test.each(exampleCases().map((table) => [table.id, table] as const))(
  '%s: evaluation agrees with its table',
  (_, table) => {
    const { asked, wrong } = runEvaluation(table);
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(0);
  },
);
