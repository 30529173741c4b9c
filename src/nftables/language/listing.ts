import { canonicalStatement, isBody } from './canonical-statement.js';
import { emptyRuleset, type MutableRuleset, type MutableSet } from './mutable-ruleset.js';
import { elementFromJson } from './elements.js';
import { keyTypesFrom } from './key-types.js';
import { NftError } from './nftables.js';
import { isRetired } from '../names/retired.js';
import type { Chain, Hook, Rule, Ruleset, SetForm, Statement, TableName } from './types.js';

/** One object of a listing: `{ chain: {…} }`, `{ rule: {…} }`, `{ set: {…} }`, `{ ct helper: {…} }`. */
type ListedObject = Readonly<Record<string, unknown>>;

type Body = Readonly<Record<string, unknown>>;

const textOf = (body: Body, key: string): string => {
  const value = body[key];
  return typeof value === 'string' ? value : '';
};
const numberOf = (body: Body, key: string): number | undefined => {
  const value = body[key];
  return typeof value === 'number' ? value : undefined;
};

function hookOf(body: Body): Hook | undefined {
  if (typeof body['hook'] !== 'string') return undefined;
  const device = body['dev'];
  return {
    type: textOf(body, 'type') as Hook['type'],
    hook: body['hook'] as Hook['hook'],
    priority: numberOf(body, 'prio') ?? 0,
    policy: textOf(body, 'policy') as Hook['policy'],
    ...(typeof device === 'string' ? { device } : {}),
  };
}

function setOf(body: Body, verdicts: boolean): MutableSet {
  const name = textOf(body, 'name');
  const flags = Array.isArray(body['flags']) ? (body['flags'] as unknown[]) : [];
  const listed = Array.isArray(body['elem']) ? (body['elem'] as unknown[]) : [];
  const size = numberOf(body, 'size');
  const timeoutSeconds = numberOf(body, 'timeout');
  // Of ours only those that packets fill have a size; nft 1.0.6 does not list the flag `dynamic`.
  const isDynamic = flags.includes('timeout') || timeoutSeconds !== undefined || size !== undefined;
  const form: SetForm = {
    name,
    type: keyTypesFrom(body['type']),
    verdicts,
    interval: flags.includes('interval'),
    ...(body['stmt'] !== undefined || flags.includes('constant') ? { isForeign: true } : {}),
    ...(isDynamic ? { dynamic: { size: size ?? 0, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) } } : {}),
  };
  const elements = isListedWhole(form) ? listed : [];
  return { ...form, elements: new Map(elements.map((element) => elementFromJson(element, verdicts))) };
}

/** What packets added is theirs, unless another set takes the place of this one. */
export const isListedWhole = ({ name, dynamic }: SetForm): boolean => dynamic === undefined || isRetired(name);

const ruleOf = (body: Body): Rule => ({
  statements: Array.isArray(body['expr']) ? (body['expr'].map(canonicalStatement) as Statement[]) : [],
  ...(typeof body['comment'] === 'string' ? { comment: body['comment'] } : {}),
});

/**
 * What `nft -j list table` prints. Objects that we never write are kept as they stand, so that they differ from what is
 * wanted and are repaired or removed.
 */
function parseListing(objects: readonly ListedObject[]): MutableRuleset {
  const table = objects.map((object) => object['table']).find(isBody);
  const ruleset: MutableRuleset = {
    ...emptyRuleset(
      table === undefined ? 'inet' : (textOf(table, 'family') as Ruleset['family']),
      table === undefined ? 'podwall' : textOf(table, 'name'),
    ),
    // nft 1.0.6 prints some other text in the place of the flag.
    ...(table?.['flags'] === undefined ? {} : { isFlagged: true }),
  };
  const rules = new Map<string, Rule[]>();
  const chains: Omit<Chain, 'rules'>[] = [];
  for (const object of objects) {
    const { chain, rule, set, map, counter } = object;
    if (isBody(chain)) {
      const hook = hookOf(chain);
      chains.push({ name: textOf(chain, 'name'), ...(hook === undefined ? {} : { hook }) });
    } else if (isBody(rule)) {
      const name = textOf(rule, 'chain');
      const list = rules.get(name);
      if (list === undefined) rules.set(name, [ruleOf(rule)]);
      else list.push(ruleOf(rule));
    } else if (isBody(set)) ruleset.sets.set(textOf(set, 'name'), setOf(set, false));
    else if (isBody(map)) ruleset.sets.set(textOf(map, 'name'), setOf(map, map['map'] === 'verdict'));
    else if (isBody(counter)) ruleset.counters.add(textOf(counter, 'name'));
    else addOther(ruleset, object);
  }
  for (const chain of chains) ruleset.chains.set(chain.name, { ...chain, rules: rules.get(chain.name) ?? [] });
  return ruleset;
}

const notInTables = new Set(['metainfo', 'table']);

function addOther({ others }: MutableRuleset, object: ListedObject): void {
  for (const [kind, body] of Object.entries(object)) {
    if (!isBody(body) || notInTables.has(kind)) continue;
    const name = textOf(body, 'name');
    others.set(`${kind} ${name}`, { kind, name });
  }
}

/** @throws NftError when nft has not printed what it should */
function objectsIn(json: string): readonly ListedObject[] {
  try {
    const { nftables } = JSON.parse(json) as { readonly nftables?: unknown };
    if (Array.isArray(nftables)) return nftables as ListedObject[];
  } catch (cause) {
    throw new NftError('failed', 'what nft lists is no JSON', { cause });
  }
  throw new NftError('failed', 'what nft lists has no objects');
}

/**
 * @param json what `nft -j list table` prints; with `--terse` sets have no elements
 * @throws NftError when nft has not printed a table
 */
export function parseTable(json: string): MutableRuleset {
  const objects = objectsIn(json);
  if (!objects.some((object) => isBody(object['table'])))
    throw new NftError('failed', 'what nft lists has no table in it');
  return parseListing(objects);
}

/**
 * @param json what `nft -j list ruleset FAMILY` prints
 * @returns undefined when this table is not in it
 * @throws NftError when nft has not printed that
 */
export function parseFamily(json: string, { family, table }: TableName): MutableRuleset | undefined {
  const ours = objectsIn(json).filter((object) =>
    Object.entries(object).some(
      ([kind, body]) =>
        isBody(body) && body['family'] === family && body[kind === 'table' ? 'name' : 'table'] === table,
    ),
  );
  return ours.length === 0 ? undefined : parseListing(ours);
}

/**
 * Packets by the name of their counter.
 * @param json what `nft -j list counters` prints
 */
export const parseCounters = (json: string): ReadonlyMap<string, number> =>
  new Map(
    objectsIn(json).flatMap(({ counter }) =>
      isBody(counter) ? [[textOf(counter, 'name'), numberOf(counter, 'packets') ?? 0] as const] : [],
    ),
  );

/**
 * The same of nft's text; undefined when some counter is not printed as we know it.
 * @param text what `nft list counters` prints
 */
export function parseCountersText(text: string): ReadonlyMap<string, number> | undefined {
  const found = text.matchAll(/^\tcounter (\S+) \{\n(?:\t\tcomment ".*"\n)?\t\tpackets (\d+) bytes/gm);
  const counters = new Map([...found].map(([, name = '', packets]) => [name, Number(packets)]));
  return counters.size === [...text.matchAll(/\bcounter /g)].length ? counters : undefined;
}

/**
 * The devices that base chains of a table are hooked on, by chain, joined by `, `: nft 1.0.6 leaves them out of its JSON.
 * @param text what `nft list chains netdev` prints
 */
export function parseHookDevices(text: string, { family, table }: TableName): ReadonlyMap<string, string> {
  const devices = new Map<string, string>();
  let [isOurs, chain] = [false, ''];
  for (const line of text.split('\n')) {
    const [, inTable] = /^table (\S+ \S+) \{$/.exec(line) ?? [];
    if (inTable !== undefined) isOurs = inTable === `${family} ${table}`;
    [, chain = chain] = /^\tchain (.+) \{$/.exec(line) ?? [];
    const [, one, several] =
      /^\t\ttype \S+ hook \S+(?: devices? (?:= \{ ([^}]*) \}|(\S+)))? priority /.exec(line) ?? [];
    if (isOurs && line.startsWith('\t\ttype ')) devices.set(chain, (one ?? several ?? '').replaceAll('"', ''));
  }
  return devices;
}
