/** The ruleset as nft text for people; `nft -f` loads it into an empty namespace. */
import { skeletonSets } from './skeleton.js';
import type { Chain, NftSet, Rule, Ruleset, Statement } from './types.js';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function bodyOf(value: Json, key: string): Json | undefined {
  const body = value[key];
  return isObject(body) ? body : undefined;
}

const unknownForm = (value: unknown): never => {
  throw new Error(`no text for ${JSON.stringify(value)}`);
};

function printList(values: unknown): string {
  return Array.isArray(values) ? values.map(printExpression).join(', ') : printExpression(values);
}

/** An expression as nft text. @throws Error for a form that our rules and sets do not have */
export function printExpression(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (!isObject(value)) return unknownForm(value);
  const ct = bodyOf(value, 'ct');
  if (ct !== undefined) return ['ct', ct['dir'], ct['key']].filter((word) => typeof word === 'string').join(' ');
  const meta = bodyOf(value, 'meta');
  if (meta !== undefined) return `meta ${String(meta['key'])}`;
  const payload = bodyOf(value, 'payload');
  if (payload !== undefined) return `${String(payload['protocol'])} ${String(payload['field'])}`;
  const { concat, set, prefix, range } = value;
  const masked = value['&'];
  if (Array.isArray(concat)) return concat.map(printExpression).join(' . ');
  if (Array.isArray(set)) return `{ ${printList(set)} }`;
  if (isObject(prefix)) return `${String(prefix['addr'])}/${String(prefix['len'])}`;
  if (Array.isArray(range)) return range.map(printExpression).join('-');
  if (Array.isArray(masked)) {
    const [left, flags] = masked as unknown[];
    const names = Array.isArray(flags) ? `(${flags.map(printExpression).join(' | ')})` : printExpression(flags);
    return `${printExpression(left)} & ${names}`;
  }
  return unknownForm(value);
}

function printMatch(match: Json): string {
  const { op, left, right } = match;
  // `in` and `==` are what nft assumes; a list on the right is one of several states.
  const operator = op === '!=' ? '!= ' : '';
  return `${printExpression(left)} ${operator}${Array.isArray(right) ? right.map(printExpression).join(',') : printExpression(right)}`;
}

/** A statement of a rule, or a verdict, as nft text. @throws as printExpression */
export function printStatement(statement: Statement): string {
  const match = bodyOf(statement, 'match');
  if (match !== undefined) return printMatch(match);
  const vmap = bodyOf(statement, 'vmap');
  if (vmap !== undefined) return `${printExpression(vmap['key'])} vmap ${printList(vmap['data'])}`;
  const set = bodyOf(statement, 'set');
  if (set !== undefined) {
    const limited = Array.isArray(set['stmt']) ? set['stmt'].map((one: Statement) => ` ${printStatement(one)}`) : [];
    return `${String(set['op'])} ${String(set['set'])} { ${printExpression(set['elem'])}${limited.join('')} }`;
  }
  const limit = bodyOf(statement, 'limit');
  if (limit !== undefined)
    return `limit rate ${String(limit['rate'])}/${String(limit['per'])} burst ${String(limit['burst'])} packets`;
  const log = bodyOf(statement, 'log');
  if (log !== undefined)
    return `log prefix "${String(log['prefix'])}" group ${String(log['group'])} snaplen ${String(log['snaplen'])} queue-threshold ${String(log['queue-threshold'])}`;
  if (typeof statement['counter'] === 'string') return `counter name "${statement['counter']}"`;
  for (const word of ['goto', 'jump'])
    if (word in statement) return `${word} ${String(bodyOf(statement, word)?.['target'])}`;
  for (const word of ['accept', 'drop', 'return']) if (word in statement) return word;
  return unknownForm(statement);
}

const printRule = ({ statements, comment }: Rule): string =>
  `    ${statements.map(printStatement).join(' ')}${comment === undefined ? '' : ` comment "${comment}"`}`;

function printChain(chain: Chain): string[] {
  const { hook } = chain;
  const device = hook?.device === undefined ? '' : ` device "${hook.device}"`;
  const note = chainNotes.get(chain.name);
  return [
    ...(note === undefined ? [] : [`  # ${note}`]),
    `  chain ${chain.name} {`,
    ...(hook === undefined
      ? []
      : [`    type ${hook.type} hook ${hook.hook}${device} priority ${hook.priority}; policy ${hook.policy};`]),
    ...chain.rules.map(printRule),
    '  }',
  ];
}

function printSet(set: NftSet): string[] {
  const flags = [...(set.interval ? ['interval'] : []), ...(set.dynamic === undefined ? [] : ['dynamic', 'timeout'])];
  const elements = [...set.elements]
    .map(([key, value]) => (set.verdicts ? `${key} : ${value}` : key))
    .sort((a, b) => (a < b ? -1 : 1));
  const parts = [
    `type ${set.type.join(' . ')}${set.verdicts ? ' : verdict' : ''};`,
    ...(flags.length === 0 ? [] : [`flags ${flags.join(',')};`]),
    ...(set.dynamic === undefined ? [] : [`size ${set.dynamic.size};`, `timeout ${set.dynamic.timeoutSeconds}s;`]),
    ...(elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} };`]),
  ];
  const title = set.title === undefined ? [] : [`  # ${set.title.replace(/\s+/g, ' ')}`];
  return [...title, `  ${set.verdicts ? 'map' : 'set'} ${set.name} { ${parts.join(' ')} }`];
}

const chainNotes: ReadonlyMap<string, string> = new Map([
  ['forward', 'every forwarded packet starts here; what no chain accepts is dropped'],
  ['egress', 'by client: an isolated one may only do what its policies allow, then the server has its say'],
  ['ingress', 'by server; neither end isolated leads to open'],
  ['ingress-judged', 'the egress stage allowed it, so a server that is not isolated makes it allowed'],
  ['both-ways', 'who is the client is not known: only where neither orientation meets an isolated end'],
  ['errors', 'ICMP errors are judged by the flow that they quote, and only its ends may send them'],
  ['headers', 'no conntrack entry: nothing to or from an isolated pod'],
  ['admit', 'allowed by a policy: remembered, and accepted'],
  ['open', 'no policy isolates either end'],
  ['not-remembered', 'no policy isolates the server, and a dry run or the audit log wants to see every packet'],
  ['cached', 'relations that were allowed before; a change that may narrow moves on to another, empty generation'],
]);

/** The skeleton first, in its own order; then by name. */
function ordered<T extends { readonly name: string }>(objects: Iterable<T>, first: readonly string[]): T[] {
  const rank = new Map(first.map((name, index) => [name, index]));
  const rankOf = (object: T): number => rank.get(object.name) ?? Infinity;
  return [...objects].sort((a, b) => {
    const [left, right] = [rankOf(a), rankOf(b)];
    return left === right ? (a.name < b.name ? -1 : 1) : left - right;
  });
}

/** Sets with a comment line that says what they hold, then the chains from the hook on. */
export function printRuleset(ruleset: Ruleset): string {
  const sets = ordered(
    ruleset.sets.values(),
    skeletonSets().map((set) => set.name),
  );
  return [
    `table ${ruleset.family} ${ruleset.table} {`,
    ...[...ruleset.counters].sort().map((name) => `  counter ${name} { }`),
    ...sets.flatMap(printSet),
    ...ordered(ruleset.chains.values(), [
      ...chainNotes.keys(),
      'remember',
      'error-cached',
      'cached-1',
      'remember-1',
      'error-cached-1',
    ]).flatMap(printChain),
    '}',
    '',
  ].join('\n');
}
