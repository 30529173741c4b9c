/** `-o FORMAT[=PATH]`, which can be repeated. */
import { InvalidArgumentError, Option } from 'commander';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { stringify } from 'yaml';
import { InputError } from '../../generic/input-error.js';
import { paintOf, plain, type Paint } from '../../report/paint.js';
import { hasColours } from './colours.js';

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
  const option = new Option('-o, --output <format[=path]>', 'format and, optionally, a file; repeatable')
    .argParser(parse)
    .default(undefined, formats[0]);
  // For help and completion; Option.choices would take no path.
  option.argChoices = [...formats];
  return option;
}

/** Of what is printed; a file has no colours. */
export const screenPaint = (): Paint => paintOf(hasColours(process.stdout));

/** Writes each output; pieces are joined before they are written, so that a million pieces are few writes. */
export async function writeOutputs<F extends string>(
  outputs: readonly Output<F>[] | undefined,
  standard: F,
  print: (format: F, paint: Paint) => Iterable<string>,
): Promise<void> {
  for (const { format, path } of outputs ?? [{ format: standard }])
    if (path === undefined) await writeTo(process.stdout, print(format, screenPaint()));
    else await writeFile(path, print(format, plain));
}

async function writeFile(path: string, pieces: Iterable<string>): Promise<void> {
  await withFile(path, (file) => writeTo(file, pieces));
}

/** One output of a command whose pieces come over time: each is written at once. */
export async function streamOutput(path: string | undefined, pieces: AsyncIterable<string>): Promise<void> {
  const writeAll = async (stream: Writable): Promise<void> => {
    for await (const piece of pieces) await write(stream, piece);
  };
  if (path === undefined) await writeAll(process.stdout);
  else await withFile(path, writeAll);
}

async function withFile(path: string, writeAll: (file: Writable) => Promise<void>): Promise<void> {
  try {
    const file = createWriteStream(path);
    await once(file, 'open');
    await writeAll(file);
    file.end();
    await once(file, 'close');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
}

const writtenAtOnce = 1 << 16;

async function writeTo(stream: Writable, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < writtenAtOnce) continue;
    await write(stream, text);
    text = '';
  }
  if (text !== '') await write(stream, text);
}

async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}

/** A document of a versioned schema. */
export const documentText = (document: object, format: 'json' | 'yaml'): string =>
  format === 'json'
    ? `${JSON.stringify(document, undefined, 2)}\n`
    : stringify(document, { aliasDuplicateObjects: false });
