/** Text to documents, read as kubectl reads it: YAML 1.1 scalars (go-yaml's set of them), JSON, Lists unfolded. */
import { scanJson, type JsonScan } from './json-scan.js';
import { jsonValues, type JsonValue } from './json-values.js';
import { duplicateKey, tooDeep } from './limits.js';
import { linesOf, positionAt, type ManifestError, type Path, type Position, type Range } from './positions.js';
import { spanOf, startOf } from './plain-positions.js';
import { readPlainYaml, type PlainDocument } from './plain-yaml.js';
import { TextParts } from './text-parts.js';
import { documentValue } from './yaml-values.js';
import { locate, parseYaml, rangeIn, type Tree } from './yaml-trees.js';

export type { ManifestError, Path, Position } from './positions.js';

export interface ManifestDocument {
  readonly file: string;
  readonly object: unknown;
  /** The position of the field, or of its nearest ancestor that exists. Keeps the text alive: drop the document after use. */
  position(path: Path): Position;
  /** The field's key or its value (an item of a list has no key), or the nearest ancestor's that is there. */
  range(path: Path, part: 'key' | 'value'): Range;
  /** The whole file's. */
  text(): string;
}

interface Documents {
  readonly documents: readonly ManifestDocument[];
  readonly errors: readonly ManifestError[];
}

/** An object without a text: of a live cluster, or a well-known workload. */
export function documentWithoutText(file: string, object: unknown): ManifestDocument {
  const nowhere = { line: 0, column: 0, endLine: 0, endColumn: 0, start: 0, end: 0 };
  return { file, object, position: () => nowhere, range: () => nowhere, text: () => '' };
}

interface ReadOptions {
  /** With `tolerated`, documents in which a key appears twice are read all the same, with the last value. */
  readonly duplicateKeys?: 'refused' | 'tolerated';
}

/** The documents of one file that can be read, and what is wrong with the others. Never throws. */
export function readDocuments(marked: string, file: string, { duplicateKeys }: ReadOptions = {}): Documents {
  const text = withoutMarks(marked);
  const control = controlCharacter(text, file);
  if (control !== undefined) return { documents: [], errors: [control] };
  const tolerated = (error: ManifestError): boolean => duplicateKeys === 'tolerated' && error.isDuplicateKey;
  if (/^\s*[{[]/.test(text)) {
    const values = jsonValues(text);
    if (values !== undefined) return readJson(values, text, { file, tolerated });
  }
  const plain = readPlainYaml(text);
  if (plain !== undefined) return readPlain(plain, text, file);
  const { trees, errors } = parseYaml(text, file);
  const documents = trees.flatMap((tree) => {
    if (!tree.errors.every(tolerated)) return [];
    const object = documentValue(tree.document);
    if (object === null || object === undefined) return [];
    const range: DocumentPosition['range'] = (path, part) => rangeIn(tree, path, part);
    return unfold(object, [], { file, position: (path) => locate(tree, path), range, text: () => text });
  });
  return { documents, errors };
}

/** A document may begin with a byte order mark. Its place in the text is kept, as a blank behind the line before it. */
const withoutMarks = (text: string): string =>
  text.includes('\uFEFF') ? text.replace(/^(---(?:[ \t][^\r\n]*)?)(\r?\n)\uFEFF/gm, '$1 $2') : text;

/** A character that neither YAML nor JSON may contain: the file is not a text. */
function controlCharacter(text: string, file: string): ManifestError | undefined {
  const found = /[\0-\x08\x0b\x0c\x0e-\x1f]/.exec(text);
  if (found === null) return undefined;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  const message = `not a text file: it contains the control character U+${code}`;
  return { file, ...positionAt(linesOf(text), found.index), message, isDuplicateKey: false };
}

type DocumentPosition = Omit<ManifestDocument, 'object'>;

function readJson(
  values: readonly JsonValue[],
  text: string,
  { file, tolerated }: { readonly file: string; readonly tolerated: (error: ManifestError) => boolean },
): Documents {
  const lines = linesOf(text);
  const errorAt = (offset: number, message: string, isDuplicateKey: boolean): ManifestError => {
    return { file, ...positionAt(lines, offset), message, isDuplicateKey };
  };
  const parts = new TextParts(text, file);
  const read = values.map(({ object, start, end }) => {
    const scan = scanJson(text, start, end);
    const errors = [
      ...(scan.tooDeepAt === undefined ? [] : [errorAt(scan.tooDeepAt, tooDeep, false)]),
      ...scan.duplicateKeys.map((offset) => errorAt(offset, duplicateKey, true)),
    ];
    const isRead = errors.every(tolerated);
    const place = jsonPlace(text, parts, { file, start, end, items: scan.items });
    return { errors, documents: isRead ? unfold(object, [], place) : [] };
  });
  return { documents: read.flatMap(({ documents }) => documents), errors: read.flatMap(({ errors }) => errors) };
}

function readPlain(documents: readonly PlainDocument[], text: string, file: string): Documents {
  const parts = new TextParts(text, file);
  const read = documents.flatMap((document) => {
    const tree = (): Tree | undefined => parts.tree(document.start, document.end);
    const position: DocumentPosition['position'] = (path) => {
      const start = startOf(text, document, path);
      return start === undefined ? locate(tree(), path) : parts.positionAt(start);
    };
    const range: DocumentPosition['range'] = (path, part) => {
      const span = spanOf(text, document, { path, part });
      return span === undefined ? rangeIn(tree(), path, part) : parts.rangeAt(...span);
    };
    return unfold(document.object, [], { file, position, range, text: () => text });
  });
  return { documents: read, errors: [] };
}

interface JsonPlace extends Pick<JsonScan, 'items'> {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** The positions of items are known; anything deeper is rarely needed, and the item is then read again. */
function jsonPlace(text: string, parts: TextParts, { file, start, end, items }: JsonPlace): DocumentPosition {
  const startOf = ([field, index]: Path): number | undefined =>
    field === 'items' && typeof index === 'number' ? items[index] : undefined;
  const within = (path: Path): readonly [Tree | undefined, Path] => {
    const from = startOf(path);
    return from === undefined
      ? [parts.tree(start, end), path]
      : [parts.tree(from, items[Number(path[1]) + 1] ?? end), path.slice(2)];
  };
  const position: DocumentPosition['position'] = (path) => {
    const from = startOf(path);
    if (path.length === 0) return parts.positionAt(start);
    if (path.length === 2 && from !== undefined) return parts.positionAt(from);
    return locate(...within(path));
  };
  const range: DocumentPosition['range'] = (path, part) => rangeIn(...within(path), part);
  return { file, position, range, text: () => text };
}

/** The items of a List (of any kind that ends so) as documents of their own. */
function unfold(
  object: unknown,
  at: readonly (string | number)[],
  place: DocumentPosition,
): readonly ManifestDocument[] {
  const { apiVersion, kind, items } = fieldsOf(object);
  if (typeof kind === 'string' && kind.endsWith('List') && (Array.isArray(items) || items === null)) {
    const implied = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
    return (items ?? []).flatMap((item: unknown, index) =>
      unfold(typed(item, implied), [...at, 'items', index], place),
    );
  }
  const position: DocumentPosition['position'] = (path) => place.position([...at, ...path]);
  const range: DocumentPosition['range'] = (path, part) => place.range([...at, ...path], part);
  return [{ ...place, object, position, range }];
}

const fieldsOf = (object: unknown): Readonly<Record<string, unknown>> =>
  typeof object === 'object' && object !== null ? (object as Record<string, unknown>) : {};

/** The API server leaves kind and apiVersion out of the items of a typed list. */
function typed(item: unknown, implied: Readonly<Record<string, unknown>>): unknown {
  const { apiVersion, kind } = fieldsOf(item);
  const isTyped = apiVersion !== undefined && kind !== undefined;
  return isTyped || typeof item !== 'object' || item === null || Array.isArray(item) ? item : { ...implied, ...item };
}
