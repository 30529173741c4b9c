/**
 * Each field of Pods, workloads, Services, Namespaces and Nodes with a value of another type: reported with its position, by every
 * reader that reads it. Which fields those are is asked of the readers themselves, so a new one must be in the samples.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifestCollector, type ManifestObjects } from '../../src/manifests/manifest-collector.js';
import { readInputs } from '../../src/cli/policy/inputs.js';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { readManifests } from '../../src/cluster/directory.js';
import { InputError } from '../../src/generic/input-error.js';
import { lint } from '../../src/lint/engine.js';
import { makeLintInput } from '../../src/lint/lint-input.js';
import { documentWithoutText, readDocuments } from '../../src/manifests/documents.js';
import { workloadKinds } from '../../src/manifests/workloads.js';
import { formatPath } from '../../src/model/diagnostic.js';
import {
  edited,
  fieldsOf,
  pointerOf,
  recorded,
  samples,
  wrongFor,
  type Path,
  type Sample,
} from '../support/wrong-types.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-types-'));
  file = join(folder, 'object.json');
});
afterAll(() => rm(folder, { recursive: true }));

/** The fields that each reader looks at. */
async function readBy(sample: Sample): Promise<Readonly<Record<'analysis' | 'lint', ReadonlySet<string>>>> {
  const [analysis, linted] = [new Set<string>(), new Set<string>()];
  const take = (collector: ManifestCollector, read: Set<string>): ManifestObjects => {
    collector.takeDocument(documentWithoutText('sample', recorded(sample.object, read)));
    return collector.objects();
  };
  take(new ManifestCollector({ strict: true }), analysis);
  take(new ManifestCollector({ strict: true, unnamedPorts: true }), linted);
  // And what the rules look at in the objects as they stand.
  await writeFile(file, textOf({ apiVersion: 'v1', kind: 'List', items: [sample.object, policy] }));
  const { input } = await readLintInputs({ file: [file], closedWorld: true });
  const objects = input.objects.map((one) =>
    one.kind === sample.object.kind ? { ...one, fields: recorded(one.fields, linted) } : one,
  );
  lint(makeLintInput({ ...input, objects }));
  return { analysis, lint: linted };
}

/** Selects the samples, and has a block outside that rules hold against Services and Nodes. */
const policy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr: '10.96.0.0/12' } }], ports: [{ port: 80 }] }],
  },
};

const textOf = (object: object): string => JSON.stringify(object, undefined, 1);

/** How a line about a field begins. */
function placeIn(text: string, path: Path) {
  const [document] = readDocuments(text, file).documents;
  if (document === undefined) throw new Error('no document');
  const { line, column } = document.position(path);
  const [at, field] = [`${file}:${line}:${column}: `, `${formatPath(path)}: `];
  const escaped = (plain: string): string => plain.replace(/[[\].]/g, '\\$&');
  // The agent names the object too.
  return { line: expect.stringContaining(at + field), byAgent: new RegExp(`${escaped(at)}.*${escaped(field)}`) };
}

const agentReads = (kind: string): boolean => ['Pod', 'Namespace', 'Node'].includes(kind);

/** What the agent says of the file. */
const reportedByAgent = async (): Promise<string> =>
  readManifests([file]).then(
    ({ problems }) =>
      problems
        .map(
          (one) =>
            `${one.file}:${one.line}:${one.column}: ${formatPath(one.diagnostic.path)}: ${one.diagnostic.message}`,
        )
        .join('\n'),
    (error: unknown) => {
      if (error instanceof InputError) return error.message;
      throw error;
    },
  );

test('there is a sample of every kind of workload', () => {
  expect(samples.map(({ object }) => object.kind)).toEqual(
    expect.arrayContaining(workloadKinds.map(({ kind }) => kind)),
  );
});

describe.each(samples.map((sample) => [sample.object.kind, sample] as const))('%s', (kind, sample) => {
  const fields = fieldsOf(sample.object).filter(([[first]]) => first !== 'apiVersion' && first !== 'kind');

  test('the sample has every field that is read, and no other', async () => {
    const { analysis, lint: linted } = await readBy(sample);
    const held = new Set(fieldsOf(sample.object).map(([path]) => pointerOf(path)));
    const read = new Set([...analysis, ...linted]);
    expect([...read].filter((one) => !held.has(one))).toEqual([]);
    expect([...held].filter((one) => !read.has(one))).toEqual([]);
  });

  test('the sample itself is right', async () => {
    await writeFile(file, textOf(sample.object));
    const { unparsed, problems, skipped } = await readInputs({ file: [file] });
    const linted = await readLintInputs({ file: [file], closedWorld: false });
    expect([...unparsed, ...problems, ...skipped, ...linted.unparsed]).toEqual([]);
    expect(agentReads(kind) ? await reportedByAgent() : '').toBe('');
  });

  test.each(fields.map(([path, value]) => [pointerOf(path), path, value] as const))(
    '%s',
    async (pointer, path, value) => {
      const values = wrongFor(path, value);
      // All workloads have their pods read by one function: elsewhere one value of each field shows its place.
      for (const wrong of workloadKinds.some((one) => one.kind === kind) && !sample.everyValue
        ? values.slice(0, 1)
        : values) {
        const text = textOf(edited(sample.object, path, () => wrong));
        await writeFile(file, text);
        const place = placeIn(text, path);
        expect((await readLintInputs({ file: [file], closedWorld: false })).unparsed).toContainEqual(place.line);
        // Only lint asks probes.
        if (pointer.includes('Probe')) continue;
        const { unparsed, problems } = await readInputs({ file: [file] });
        expect([...unparsed, ...problems]).toContainEqual(place.line);
        // The agent has no name for a pod without one.
        if (agentReads(kind) && !pointer.endsWith('/generateName'))
          expect(await reportedByAgent()).toMatch(place.byAgent);
      }
    },
  );

  test('null is absent, where something may be', async () => {
    const readAs = async (path: Path, change: (value: unknown) => unknown): Promise<object> => {
      await writeFile(file, textOf(edited(sample.object, path, change)));
      return { ...(await readInputs({ file: [file] })), policyDocuments: undefined };
    };
    for (const [path] of fields) {
      const pointer = pointerOf(path);
      if (typeof path.at(-1) === 'number' || pointer.includes('Probe') || sample.required.includes(pointer)) continue;
      // A label without a value is one with the empty value.
      const isLabel = /\/(labels|annotations|selector)\/[^/]+$/.test(pointer);
      expect([pointer, await readAs(path, () => null)]).toEqual([
        pointer,
        await readAs(path, () => (isLabel ? '' : undefined)),
      ]);
    }
  });

  test('null is reported where a value is required', async () => {
    const needed = fields.filter(
      ([path]) => typeof path.at(-1) === 'number' || sample.required.includes(pointerOf(path)),
    );
    expect(needed.map(([path]) => pointerOf(path))).toEqual(expect.arrayContaining([...sample.required]));
    for (const [path] of needed) {
      await writeFile(file, textOf(edited(sample.object, path, () => null)));
      const { unparsed, problems } = await readInputs({ file: [file] });
      expect([...unparsed, ...problems]).toContainEqual(
        expect.stringMatching(/object\.json:\d+:\d+: (metadata|spec|status)/),
      );
    }
  });
});

test.each([
  ['List', 'items: {a: 1}'],
  ['List', 'items: text'],
  ['List', 'items: 7'],
])('a %s with %s is no empty one', async (kind, items) => {
  await writeFile(file, `apiVersion: v1\nkind: ${kind}\n${items}\n`);
  expect((await readInputs({ file: [file] })).unparsed).toEqual([`${file}:3:1: items: must be a list`]);
  expect((await readLintInputs({ file: [file], closedWorld: false })).unparsed).toHaveLength(1);
});
