import { describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { circlesIn } from './circles.js';
import { importsOf, root, sourcesIn } from './sources.js';

/** Which folder of src/ may import which: the architecture, as data. A folder may always import itself. */
const layers: Readonly<Record<string, { imports: readonly string[] | 'all'; why: string }>> = {
  model: { imports: [], why: 'the nouns know nobody' },
  generic: { imports: [], why: 'what any program needs: it knows no noun of Kubernetes' },
  addresses: { imports: ['model'], why: 'arithmetic of addresses, and which pod owns one' },
  limits: { imports: ['generic', 'model'], why: 'how large an object is, from the object alone' },
  manifests: { imports: ['model'], why: 'text becomes documents; what they mean is model' },
  selectors: { imports: ['model'], why: 'matching labels needs the nouns only' },
  program: { imports: ['model'], why: 'the middle form knows neither where policies come from nor what nft is' },
  compiler: { imports: ['model', 'addresses', 'selectors', 'program'], why: 'pure: no kernel, no clock, no files' },
  audit: {
    imports: ['generic', 'model', 'addresses', 'program'],
    why: 'what happened, as events; what they mean for policies is analysis',
  },
  evaluation: { imports: ['model', 'addresses', 'program'], why: 'answers from the program alone, as the kernel does' },
  analysis: {
    imports: ['generic', 'model', 'addresses', 'selectors', 'program', 'compiler', 'evaluation', 'audit'],
    why: 'answers for people, from the same program that the agent enforces',
  },
  lint: {
    imports: [
      'generic',
      'model',
      'limits',
      'addresses',
      'manifests',
      'selectors',
      'compiler',
      'evaluation',
      'analysis',
    ],
    why: 'rules speak of objects and where they are written; what policies allow together is asked of analysis',
  },
  nftables: {
    imports: ['model', 'addresses', 'program'],
    why: 'pure: prints the program for nft; running nft is kernel/',
  },
  kernel: { imports: ['model', 'nftables'], why: 'runs nft; reads links, routes and conntrack' },
  cluster: { imports: ['generic', 'model', 'manifests'], why: 'delivers the cluster; decides nothing' },
  reconciler: {
    imports: ['generic', 'model', 'limits', 'program', 'compiler', 'nftables', 'cluster'],
    why: 'the loop owns time and retry; it never parses manifests nor prints for people',
  },
  node: {
    imports: ['generic', 'model', 'limits', 'program', 'compiler', 'nftables', 'cluster', 'reconciler', 'audit'],
    why: 'the agent as a process: lock, status, state, and what it reports',
  },
  schemas: { imports: [], why: 'JSON schemas of what we print and read; they ship as they are' },
  report: {
    imports: ['generic', 'model', 'program', 'evaluation', 'analysis', 'audit'],
    why: 'prints findings, tables, answers and records; it reads no input and asks no question',
  },
  cli: { imports: 'all', why: 'the only place that wires real parts' },
};

/** The folder of src/ that a path is in; elsewhere the path itself, which no row allows. */
const layerOf = (path: string): string => /^src\/([^/]+)\//.exec(path)?.[1] ?? path;

describe('layers', () => {
  test('the table has the folders of src/, each and no other', () => {
    expect(Object.keys(layers).sort()).toEqual(readdirSync(join(root, 'src')).sort());
  });

  test('the table has no circle', () => {
    const imports = Object.entries(layers).map(
      ([layer, { imports }]) => [layer, imports === 'all' ? Object.keys(layers) : imports] as const,
    );
    expect(circlesIn(new Map(imports.filter(([layer]) => layer !== 'cli')))).toEqual([]);
  });

  test.each(Object.keys(layers))('%s imports what the table allows, and nothing else', (layer) => {
    const rule = layers[layer];
    if (rule === undefined || rule.imports === 'all') return;
    const found = sourcesIn(`src/${layer}`).flatMap((source) =>
      importsOf(source).map(({ target }) => ({ path: source.path, target: layerOf(target) })),
    );
    const allowed = [layer, ...rule.imports];
    const wrong = found
      .filter(({ target }) => !allowed.includes(target))
      .map(({ path, target }) => `${path} imports ${target}/: ${layer}/ may not, because ${rule.why}`);
    const unused = rule.imports
      .filter((name) => found.every(({ target }) => target !== name))
      .map((name) => `${layer}/ may import ${name}/ and does not: take it out of the table`);
    expect([...wrong, ...unused]).toEqual([]);
  });
});
