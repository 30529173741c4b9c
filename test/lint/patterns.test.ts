/**
 * Widely used policies, written anew in their shape, and what lint says of each: alone, with their workloads, and as a
 * whole cluster with the usual counterparts. README's table is made from it; GOLDEN=write writes both.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { wellKnownWorkloads } from '../../src/manifests/well-known-workloads.js';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { lint } from '../../src/lint/engine.js';
import type { Finding } from '../../src/lint/finding.js';
import { makeLintInput } from '../../src/lint/lint-input.js';

const folder = join(import.meta.dirname, 'patterns');
const golden = join(import.meta.dirname, 'patterns.expected.txt');
const readmeFile = resolve(import.meta.dirname, '../../README.md');
const isWriting = process.env['GOLDEN'] === 'write';

interface Pattern {
  readonly file: string;
  readonly title: string;
  /** What is said of the policies alone, then what is said beside that of more. */
  readonly alone: readonly Finding[];
  readonly withWorkloads: readonly Finding[];
  readonly asCluster: readonly Finding[];
}

const lineOf = ({ severity, rule, object, pointer }: Finding): string =>
  `${severity} ${rule} ${object.kind} ${object.name} ${pointer}`;

async function read(file: string): Promise<Pattern> {
  const path = join(folder, file);
  const [, title = ''] = /^# (.*)$/m.exec(await readFile(path, 'utf8')) ?? [];
  const open = await readLintInputs({ file: [path], closedWorld: false });
  const closed = await readLintInputs({ file: [path], closedWorld: true, assume: wellKnownWorkloads });
  expect([...open.unparsed, ...open.skipped]).toEqual([]);
  const { input } = open;
  const none = { workloads: [], services: [], nodes: [], objects: input.policies };
  const alone = lint(makeLintInput({ ...input, ...none }));
  const withWorkloads = lint(input);
  const beside = (findings: readonly Finding[], before: readonly Finding[]): readonly Finding[] => {
    const known = new Set(before.map(lineOf));
    return findings.filter((one) => !known.has(lineOf(one)));
  };
  return {
    file,
    title,
    alone,
    withWorkloads: beside(withWorkloads, alone),
    asCluster: beside(lint(closed.input), withWorkloads),
  };
}

/** About what a cluster has not got: an excerpt has little, and a repository is asked about this only when told to be one. */
const isAboutAbsence = ({ rule }: Finding): boolean => ['NP301', 'NP402', 'NP404', 'NP405', 'NP406'].includes(rule);

let patterns: readonly Pattern[];
beforeAll(async () => {
  const files = (await readdir(folder)).sort();
  patterns = await Promise.all(files.map(read));
});

test('what is said of each', async () => {
  const text = patterns
    .map(({ title, ...row }) =>
      [
        `${row.file}: ${title}`,
        ...row.alone.map((one) => `  alone: ${lineOf(one)}`),
        ...row.withWorkloads.map((one) => `  with its workloads: ${lineOf(one)}`),
        ...row.asCluster.map((one) => `  as a cluster: ${lineOf(one)}`),
        '',
      ].join('\n'),
    )
    .join('\n');
  if (isWriting) await writeFile(golden, text);
  expect(text).toBe(await readFile(golden, 'utf8'));
});

/** The rules, what is more than a remark with its severity; `-` where nothing is said. */
function reported(findings: readonly Finding[]): string {
  const texts = findings
    .filter((one) => !isAboutAbsence(one))
    .map(({ rule, severity }) => (severity === 'info' ? rule : `**${rule} ${severity}**`));
  return [...new Set(texts)].sort().join(', ') || '-';
}

test('README says the same', async () => {
  const rows = new Map<string, string[]>();
  const family = (title: string): string => title.split(': ')[0] ?? '';
  for (const { title, alone, withWorkloads, asCluster } of patterns) {
    const cells = [reported(alone), reported(withWorkloads), reported(asCluster)].join(' | ');
    const key = `${family(title)}\0${cells}`;
    rows.set(key, [...(rows.get(key) ?? []), title.slice(family(title).length + 2)]);
  }
  const lines = [...rows].sort().map(([key, titles]) => {
    const [name = '', cells = ''] = key.split('\0');
    return `| ${name}: ${titles.join('; ')} | ${cells} |`;
  });
  const head = '| Pattern | Alone | With its workloads | With `--closed-world` |';
  const table = [head, '|---|---|---|---|', ...lines, ''].join('\n');
  const readme = await readFile(readmeFile, 'utf8');
  const [before = '', after = ''] = readme.split(/\| Pattern \| Alone \|[^]*?\n(?=\n)/);
  if (isWriting) await writeFile(readmeFile, `${before}${table}${after}`);
  expect(await readFile(readmeFile, 'utf8')).toContain(table);
});

describe('what is more than a remark is right', () => {
  /** Why: by whom the finding can be read in the open. */
  const right: Readonly<Record<string, string>> = {
    'cert-manager.yaml NP305': 'the webhook is opened to 0.0.0.0/0, though only the API server calls it',
    'cert-manager.yaml NP304': 'TCP 80 to 0.0.0.0/0 reaches the metadata service',
    'kube-prometheus.yaml NP117': 'node-exporter is on the host network: no policy isolates it',
    'kubebuilder.yaml NP205': 'the webhook listens on 9443, 443 is its Service',
    'loki.yaml NP203': 'DNS is let out by UDP only',
  };

  test('every warning has its reason, and every reason its warning', () => {
    const found = patterns.flatMap(({ file, alone, withWorkloads, asCluster }) =>
      [...alone, ...withWorkloads, ...asCluster]
        .filter((one) => one.severity !== 'info' && !isAboutAbsence(one))
        .map(({ rule }) => `${file} ${rule}`),
    );
    expect([...new Set(found)].sort()).toEqual(Object.keys(right).sort());
  });
});
