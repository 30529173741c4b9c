/** Valid manifests, a little wrong: by a seed and a number, so that each case can be made again. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

function manifestsBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));
}

/** Written as most people write them: in blocks. */
export const exampleManifests = manifestsBelow('policies-examples');

export const corpus: readonly string[] = [
  ...exampleManifests,
  ...manifestsBelow('test/lint'),
  'rules: {NP305: off}\nignore: ["**/vendor/*.yaml"]\n',
];

/** What has a meaning to YAML, to Kubernetes or to us. */
const words = [
  ...[
    '- ',
    ': ',
    '? ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '#',
    '&a ',
    '*a',
    '<<: *a',
    '|',
    '>-',
    '"',
    "'",
    '---\n',
    '...\n',
    '%YAML 1.2\n',
  ],
  ...[
    '\t',
    '\r\n',
    '\0',
    '\uFEFF',
    '\u2028',
    '\u{1F600}',
    '!!binary ',
    '!!set ',
    '!!omap ',
    '!!int ',
    '!x ',
    '__proto__: ',
  ],
  ...['null', '~', 'y', 'no', '0o17', '0x1', '1e400', '.nan', '.inf', '-0', '1_0', '2020-01-01', '1:30'],
  ...['kind: List\nitems:\n', 'constructor', '{{ .Values.x }}', 'spec:', 'podSelector: {}', 'ipBlock: {cidr: "::/0"}'],
  ...['10.0.0.0/8', '0.0.0.0/33', '::ffff:10.0.0.1/97', 'endPort: 1', 'namespaceSelector: {matchExpressions: [{}]}'],
];

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function mutated(seed: number, number: number): Buffer {
  const random = randomFrom(Math.imul(seed, 0x9e3779b1) + number);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const piece = (text: string): readonly [number, number] => {
    const start = below(text.length + 1);
    return [start, Math.min(text.length, start + below(pick([4, 40, 400])))];
  };
  const mutations: readonly ((text: string) => string)[] = [
    (text) => text.slice(0, below(text.length + 1)),
    (text) => without(text, ...piece(text)),
    (text) => inserted(text, below(text.length + 1), pick(words)),
    (text) => inserted(text, below(text.length + 1), text.slice(...piece(text))),
    (text) => inserted(text, below(text.length + 1), pick(corpus).slice(...piece(pick(corpus)))),
    (text) => inserted(text, below(text.length + 1), pick(words).repeat(below(pick([8, 3000])))),
    (text) => withLine(text, below(text.split('\n').length), (line) => `${' '.repeat(below(4))}${line}`),
    (text) => withLine(text, below(text.split('\n').length), (line) => line.trimStart()),
    (text) => withLine(text, below(text.split('\n').length), (line) => line.replace(/[^:]*$/, ` ${pick(words)}`)),
  ];
  let text = pick(corpus);
  for (let count = 1 + below(4); count > 0; count -= 1) text = pick(mutations)(text);
  const bytes = Buffer.from(text);
  // Now and then a byte that no text has.
  if (bytes.length > 0 && random() < 0.1) bytes[below(bytes.length)] = below(256);
  return bytes;
}

const without = (text: string, start: number, end: number): string => text.slice(0, start) + text.slice(end);
const inserted = (text: string, at: number, more: string): string => text.slice(0, at) + more + text.slice(at);

function withLine(text: string, number: number, change: (line: string) => string): string {
  return text
    .split('\n')
    .map((line, index) => (index === number ? change(line) : line))
    .join('\n');
}
