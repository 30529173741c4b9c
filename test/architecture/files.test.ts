/** Between files: no import circles, and no export that nobody imports. */
import { describe, expect, test } from '@jest/globals';
import { circlesIn } from './circles.js';
import { exportsOf, importsOf, parse, sourcesIn, type Source } from './sources.js';

/** Files that are started, and not imported. */
const entryPoints = [
  'src/cli/main.ts',
  'src/kernel/nflog/nflog-worker.ts',
  'src/kernel/elements/element-worker.ts',
  'src/kernel/table-events/event-worker.ts',
];

const src = sourcesIn('src');
const tests = sourcesIn('test');

/** `file: name` for each export of these that none of the others imports. */
function unusedExports(files: readonly Source[], users: readonly Source[]): readonly string[] {
  const used = new Map<string, Set<string>>();
  for (const user of users)
    for (const { target, names } of importsOf(user)) {
      const of = used.get(target) ?? new Set();
      for (const name of names === 'all' ? ['*'] : names) of.add(name);
      used.set(target, of);
    }
  return files
    .filter(({ path }) => !entryPoints.includes(path) && !used.get(path)?.has('*'))
    .flatMap((file) =>
      exportsOf(file)
        .filter((name) => !used.get(file.path)?.has(name))
        .map((name) => `${file.path}: ${name}`),
    );
}

const graphOf = (files: readonly Source[]): ReadonlyMap<string, readonly string[]> =>
  new Map(files.map((file) => [file.path, importsOf(file).map(({ target }) => target)]));

describe('files of src/', () => {
  test('import each other in no circle, not even for types', () => {
    expect(circlesIn(graphOf(src)).map((circle) => circle.join(' -> '))).toEqual([]);
  });

  test('export only what another file of src/ or test/ imports', () => {
    expect(unusedExports(src, [...src, ...tests])).toEqual([]);
  });
});

describe('the checks can fail', () => {
  // On demand and for a type are imports too; d.ts leads into the circle and is not in it.
  const files = [
    parse('src/a.ts', "import type { B } from './b.js'; export const a = 1; export interface Unused {}"),
    parse('src/b.ts', "export type B = import('./c.js').C; export function alone() {}"),
    parse('src/c.ts', "export interface C {} export const load = async () => (await import('./a.js')).a;"),
    parse('src/d.ts', "import './a.js';"),
  ];

  test('a circle is shown once, with its way around', () => {
    const circle = ['src/a.ts', 'src/b.ts', 'src/c.ts', 'src/a.ts'];
    expect(circlesIn(graphOf(files))).toEqual([circle]);
    expect(circlesIn(graphOf(files.slice(1)))).toEqual([]);
  });

  test('exports that nobody imports are named', () => {
    expect(unusedExports(files, files)).toEqual(['src/a.ts: Unused', 'src/b.ts: alone', 'src/c.ts: load']);
  });
});
