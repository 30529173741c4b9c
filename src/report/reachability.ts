/** Who may reach whom, pair by pair, in the formats of machines and documents; in pieces, since it may be long. */
import { csvRow } from './csv.js';
import { markdownRow } from './markdown.js';
import { formatPorts, type Connection, type PortSet, type Reachability } from '../model/reachability.js';

export const pairFormats = ['json', 'yaml', 'csv', 'md', 'dot', 'mermaid'] as const;
type PairFormat = (typeof pairFormats)[number];

export const printPairs = (found: Reachability, format: PairFormat): Iterable<string> => printers[format](found);

const printers: Readonly<Record<PairFormat, (found: Reachability) => Iterable<string>>> = {
  json,
  yaml,
  csv,
  md,
  dot,
  mermaid,
};

/** What is kept of it: every pair may have other ports than all others. */
const keptTexts = 2 ** 14;

/** Pairs share few endpoints and, mostly, few sets of ports: each is printed once. */
function memoized<T>(print: (value: T) => string): (value: T) => string {
  const printed = new Map<T, string>();
  return (value) => {
    const known = printed.get(value);
    if (known !== undefined) return known;
    const made = print(value);
    if (printed.size >= keptTexts) printed.clear();
    printed.set(value, made);
    return made;
  };
}

/** As JSON.stringify prints it, but several times as fast. */
const portsAsJson = (set: PortSet): string =>
  `[${set.map(({ protocol, first, last }) => `{"protocol":"${protocol}","first":${first},"last":${last}}`).join()}]`;

function* connectionsAsJson(connections: Iterable<Connection>): Generator<string> {
  const ports = memoized(portsAsJson);
  const quoted = memoized((id: string) => JSON.stringify(id));
  for (const { from, to, family, allowed, assumed } of connections)
    yield `{"from":${quoted(from)},"to":${quoted(to)}${family === undefined ? '' : `,"family":"${family}"`},"allowed":${ports(allowed)}${assumed ? ',"assumed":true' : ''}}`;
}

function* json({ endpoints, connections, warnings }: Reachability): Generator<string> {
  yield `{"kind":"Reachability","schemaVersion":1,"endpoints":${JSON.stringify(endpoints)},`;
  if (warnings.length > 0) yield `"warnings":${JSON.stringify(warnings)},`;
  yield '"connections":[';
  let separator = '';
  for (const connection of connectionsAsJson(connections)) {
    yield separator + connection;
    separator = ',';
  }
  yield ']}\n';
}

/** JSON is YAML: one line for each endpoint and each connection. */
function* yaml({ endpoints, connections, warnings }: Reachability): Generator<string> {
  yield 'kind: Reachability\nschemaVersion: 1\n';
  yield* list(
    'endpoints',
    endpoints.map((endpoint) => JSON.stringify(endpoint)),
  );
  if (warnings.length > 0)
    yield* list(
      'warnings',
      warnings.map((warning) => JSON.stringify(warning)),
    );
  yield* list('connections', connectionsAsJson(connections));
}

function* list(name: string, items: Iterable<string>): Generator<string> {
  let head = `${name}:\n`;
  for (const item of items) {
    yield `${head}  - ${item}\n`;
    head = '';
  }
  if (head !== '') yield `${name}: []\n`;
}

/** The ports of a connection, for a cell. */
export const allowedText = ({ allowed, family, assumed }: Omit<Connection, 'from' | 'to'>): string =>
  `${formatPorts(allowed)}${family === undefined ? '' : ` (${family})`}${assumed ? ' (assumed)' : ''}`;

function* csv({ connections, warnings }: Reachability): Generator<string> {
  yield csvRow('from', 'to', 'family', 'allowed', 'assumed');
  for (const { from, to, family = '', allowed, assumed } of connections)
    yield csvRow(from, to, family, formatPorts(allowed), assumed ? 'assumed' : '');
  for (const warning of warnings) yield csvRow(`# warning: ${warning}`);
}

function* md({ connections, warnings }: Reachability): Generator<string> {
  for (const warning of warnings) yield `> warning: ${warning}\n\n`;
  yield '| From | To | Allowed |\n| --- | --- | --- |\n';
  for (const one of connections) yield markdownRow(one.from, one.to, allowedText(one));
}

function* dot({ endpoints, connections, warnings }: Reachability): Generator<string> {
  for (const warning of warnings) yield `// warning: ${warning}\n`;
  yield 'digraph reachability {\n  rankdir=LR;\n  node [shape=box];\n';
  for (const { id, kind } of endpoints)
    yield `  ${JSON.stringify(id)}${kind === 'workload' ? '' : ' [shape=ellipse]'};\n`;
  for (const one of connections)
    yield `  ${JSON.stringify(one.from)} -> ${JSON.stringify(one.to)} [label=${JSON.stringify(allowedText(one))}];\n`;
  yield '}\n';
}

function* mermaid({ endpoints, connections, warnings }: Reachability): Generator<string> {
  for (const warning of warnings) yield `%% warning: ${warning}\n`;
  yield 'flowchart LR\n';
  const nodes = new Map(endpoints.map(({ id }, index) => [id, `n${index}`]));
  for (const { id, kind } of endpoints) {
    const label = `"${id.replaceAll('#', '#35;')}"`;
    yield `  ${nodes.get(id) ?? id}${kind === 'workload' ? `[${label}]` : `([${label}])`}\n`;
  }
  for (const one of connections)
    yield `  ${nodes.get(one.from) ?? one.from} -- "${allowedText(one)}" --> ${nodes.get(one.to) ?? one.to}\n`;
}
