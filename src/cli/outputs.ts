/** `-o FORMAT[=PATH]`, as often as wanted. */
import { InvalidArgumentError, Option } from 'commander';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { stringify } from 'yaml';
import { InputError } from '../cluster/types.js';

export interface Output<F extends string> {
  readonly format: F;
  /** Absent: stdout. */
  readonly path?: string;
}

/** The first format is the default. */
export function outputOption<F extends string>(formats: readonly [F, ...F[]]): Option {
  const parse = (value: string, before: readonly Output<F>[] | undefined): readonly Output<F>[] => {
    const [name = '', ...path] = value.split('=');
    const format = formats.find((one) => one === name);
    if (format === undefined) throw new InvalidArgumentError(`Formats are ${formats.join(', ')}.`);
    return [...(before ?? []), path.length === 0 ? { format } : { format, path: path.join('=') }];
  };
  const option = new Option(
    '-o, --output <format[=path]>',
    `how to print, and where to; repeatable (default: ${formats[0]})`,
  ).argParser(parse);
  // For help and completion; Option.choices would take no path.
  option.argChoices = [...formats];
  return option;
}

/** Writes each output that was asked for; pieces are gathered, so that a million of them are few writes. */
export async function writeOutputs<F extends string>(
  outputs: readonly Output<F>[] | undefined,
  standard: F,
  print: (format: F) => Iterable<string>,
): Promise<void> {
  for (const { format, path } of outputs ?? [{ format: standard }])
    if (path === undefined) await writeTo(process.stdout, print(format));
    else await writeFile(path, print(format));
}

async function writeFile(path: string, pieces: Iterable<string>): Promise<void> {
  try {
    const file = createWriteStream(path);
    await once(file, 'open');
    await writeTo(file, pieces);
    file.end();
    await once(file, 'close');
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
}

const gathered = 1 << 16;

async function writeTo(stream: Writable, pieces: Iterable<string>): Promise<void> {
  const write = async (text: string): Promise<void> => {
    if (!stream.write(text)) await once(stream, 'drain');
  };
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < gathered) continue;
    await write(text);
    text = '';
  }
  if (text !== '') await write(text);
}

/** A document of a versioned schema. */
export const documentText = (document: object, format: 'json' | 'yaml'): string =>
  format === 'json'
    ? `${JSON.stringify(document, undefined, 2)}\n`
    : stringify(document, { aliasDuplicateObjects: false });
