/** Text to documents, read as kubectl reads it: YAML 1.1 scalars (go-yaml's set of them), JSON, Lists unfolded. */
import {
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { itemOffsets } from './json-items.js';

/** 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ManifestDocument {
  readonly file: string;
  readonly object: unknown;
  /** Where the field stands, or its nearest ancestor that is there. Keeps the text alive: drop the document after use. */
  position(path: readonly (string | number)[]): Position;
}

export interface ManifestError extends Position {
  readonly file: string;
  readonly message: string;
}

export interface Documents {
  readonly documents: readonly ManifestDocument[];
  readonly errors: readonly ManifestError[];
}

/** All documents of one file. With errors, the documents that could be read are still there. */
export function readDocuments(text: string, file: string): Documents {
  if (/^\s*[{[]/.test(text)) {
    const object = tryJson(text);
    if (object !== undefined) return { documents: unfold(object, [], jsonPlace(text, file)), errors: [] };
  }
  const { trees, errors } = parseYaml(text, file);
  if (errors.length > 0) return { documents: [], errors };
  const documents = trees.flatMap((tree) => {
    const object: unknown = tree.document.toJS({ maxAliasCount: 1000 });
    if (object === null || object === undefined) return [];
    return unfold(object, [], { file, position: (path) => locate(tree, path) });
  });
  return { documents, errors };
}

interface Tree {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

interface Place {
  readonly file: string;
  readonly position: (path: readonly (string | number)[]) => Position;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Flow-style YAML may begin like JSON; the YAML reader tells what is wrong, with its place.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where an item begins is cheap to tell; for anything deeper, which is rarely asked for, the text is read once more. */
function jsonPlace(text: string, file: string): Place {
  let items: readonly number[] | undefined;
  let lines: LineCounter | undefined;
  let tree: Tree | undefined;
  const position: Place['position'] = (path) => {
    const [field, index] = path;
    if (path.length === 0) return { line: 1, column: 1 };
    if (path.length === 2 && field === 'items' && typeof index === 'number') {
      items ??= itemOffsets(text);
      lines ??= linesOf(text);
      return positionAt(lines, items[index] ?? 0);
    }
    return locate((tree ??= parseYaml(text, '').trees[0]), path);
  };
  return { file, position };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

function parseYaml(text: string, file: string): { trees: readonly Tree[]; errors: readonly ManifestError[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    version: '1.1',
    lineCounter: lines,
    prettyErrors: false,
    customTags: kubectlTags,
  });
  const documents = Array.isArray(parsed) ? (parsed as Document.Parsed[]) : [];
  const errors = documents.flatMap((document) =>
    document.errors.map(({ message, pos }): ManifestError => ({ file, ...positionAt(lines, pos[0]), message })),
  );
  return { trees: documents.map((document) => ({ document, lines })), errors };
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** go-yaml also reads 0o17 as octal, and knows neither base-60 numbers nor (into JSON) timestamps. */
function kubectlTags(tags: Tags): Tags {
  const kept = tags.filter((tag) => {
    if (typeof tag === 'string') return tag !== 'timestamp' && tag !== 'intTime' && tag !== 'floatTime';
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME');
  });
  return [octal, ...kept];
}

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  format: 'OCT',
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => {
    const digits = text.replaceAll('_', '').replace('0o', '');
    return digits.startsWith('-') ? -parseInt(digits.slice(1), 8) : parseInt(digits, 8);
  },
};

/** The items of a List (of any kind that ends so) as documents of their own. */
function unfold(object: unknown, at: readonly (string | number)[], place: Place): readonly ManifestDocument[] {
  const { kind, items } = (typeof object === 'object' && object !== null ? object : {}) as Record<string, unknown>;
  if (typeof kind === 'string' && kind.endsWith('List') && (Array.isArray(items) || items === null))
    return (items ?? []).flatMap((item: unknown, index) => unfold(item, [...at, 'items', index], place));
  const position: Place['position'] = (path) => place.position([...at, ...path]);
  return [{ file: place.file, object, position }];
}

function locate(tree: Tree | undefined, path: readonly (string | number)[]): Position {
  if (tree === undefined) return { line: 1, column: 1 };
  let node: unknown = tree.document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const part of path) {
    const next = step(node, part, tree.document);
    if (next === undefined) break;
    offset = next.offset ?? offset;
    node = next.node;
  }
  return positionAt(tree.lines, offset);
}

function step(
  node: unknown,
  part: string | number,
  document: Document.Parsed,
): { node: unknown; offset: number | undefined } | undefined {
  const resolved =
    isNode(node) && 'source' in node && !isScalar(node) && !isCollection(node) ? node.resolve(document) : node;
  if (isMap(resolved)) {
    const pair = resolved.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
    return pair && { node: pair.value, offset: offsetOf(pair.key) };
  }
  if (!isSeq(resolved) || typeof part !== 'number') return undefined;
  const item = resolved.items[part];
  return item === undefined ? undefined : { node: item, offset: offsetOf(item) };
}

const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
