/** policies-examples/ as tables: each example alone, or all of them as one cluster. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readDocuments } from '../../src/manifests/documents.js';
import type { Case, Cell, Manifest } from './types.js';

export const examplesDirectory = resolve(import.meta.dirname, '../../policies-examples');

interface Expectation {
  readonly from: string;
  readonly to: string;
  readonly port: number | string;
  readonly protocol?: Cell['protocol'];
  readonly allowed: boolean;
}

export interface Example {
  readonly directory: string;
  readonly objects: readonly Manifest[];
  readonly cells: readonly Cell[];
  /** The policy file as it stands, comment and all. */
  readonly text: string;
}

const read = (...path: readonly string[]): readonly Manifest[] => {
  const file = join(examplesDirectory, ...path);
  const { documents, errors } = readDocuments(readFileSync(file, 'utf8'), file);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  return documents.map(({ object }) => object as Manifest);
};

export const exampleNodes = (): readonly Manifest[] => read('nodes.yaml');

export function examples(): readonly Example[] {
  return readdirSync(examplesDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((directory) => ({
      directory,
      objects: [...read(directory, 'cluster.yaml'), ...read(directory, 'policy.yaml')],
      cells: read(directory, 'expected.yaml').flatMap(cellsOf),
      text: readFileSync(join(examplesDirectory, directory, 'policy.yaml'), 'utf8'),
    }));
}

function cellsOf({ kind, spec }: Manifest): readonly Cell[] {
  if (kind !== 'Assertions') return [];
  return (spec as { expect: readonly Expectation[] }).expect.map((one) => ({
    ...one,
    protocol: one.protocol ?? 'TCP',
  }));
}

export function exampleCases(): readonly Case[] {
  return examples().map(({ directory, objects, cells }) => ({
    id: directory,
    title: 'as its table says',
    objects: [...exampleNodes(), ...objects],
    steps: [{ expect: cells }],
  }));
}

export function allExamplesAtOnce(): Case {
  const all = examples();
  return {
    id: 'examples',
    title: 'all at once',
    objects: [...exampleNodes(), ...all.flatMap(({ objects }) => objects)],
    steps: [{ expect: all.flatMap(({ cells }) => cells) }],
  };
}
