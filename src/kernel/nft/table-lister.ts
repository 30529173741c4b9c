/**
 * Lists a table without one JSON tree of all elements, which takes more memory than the agent may have: nft lists the
 * rest, and each set is read by netlink in pieces.
 */
import { isListedWhole, parseFamily, parseTable } from '../../nftables/language/listing.js';
import type { MutableRuleset, MutableSet } from '../../nftables/language/mutable-ruleset.js';
import type { NftSet, Ruleset, TableName } from '../../nftables/language/types.js';
import type { ElementWriter } from '../elements/element-writer.js';
import { isNoTable, nftErrorFrom } from './nft-errors.js';
import { runNft, type NftCommand } from './nft-process.js';

type ElementReader = Pick<ElementWriter, 'elements'>;

/** Of one set, when each brought elements that the ones before had not. */
const mostDumps = 5;

/**
 * @param reader none: nft lists all, as it does when some set cannot be read
 * @param known what the table may hold: where a set holds just that, its elements are the same map
 * @returns undefined when there is no such table
 * @throws NftError
 */
export async function listTable(
  command: NftCommand,
  table: TableName,
  reader?: ElementReader,
  known?: Ruleset,
): Promise<MutableRuleset | undefined> {
  if (reader === undefined) return listByNft(command, table);
  const outline = await outlineOf(command, table);
  if (outline === undefined) return undefined;
  for (const set of outline.sets.values()) {
    if (!isListedWhole(set)) continue;
    const elements = await readSet(reader, table, set, known?.sets.get(set.name));
    if (elements === undefined) return listByNft(command, table);
    outline.sets.set(set.name, { ...set, elements });
  }
  return outline;
}

/**
 * Without elements. To list one table, nft 1.0.6 reads all elements even if it prints none, also what packets have filled: 10 s
 * and 200 MB for 260,000. To list all tables of a family it reads none.
 */
async function outlineOf(command: NftCommand, table: TableName): Promise<MutableRuleset | undefined> {
  const { stdout, exitCode } = await runNft(command, ['-j', '-t', 'list', 'ruleset', table.family]);
  // Another's table may be one that this nft cannot list.
  return exitCode === 0 ? parseFamily(stdout, table) : listByNft(command, table, ['-t']);
}

async function listByNft(
  command: NftCommand,
  { family, table }: TableName,
  options: readonly string[] = [],
): Promise<MutableRuleset | undefined> {
  const { stdout, stderr, exitCode } = await runNft(command, ['-j', ...options, 'list', 'table', family, table]);
  if (exitCode === 0) return parseTable(stdout);
  if (isNoTable(stderr)) return undefined;
  throw nftErrorFrom(stderr);
}

/**
 * One dump may miss elements, while the kernel moves them to a larger hash table: it is believed when all known ones are
 * in it, or when another brought nothing more. Only differences from what is known take memory.
 * @returns undefined where nft has to list it
 */
async function readSet(
  reader: ElementReader,
  table: TableName,
  set: MutableSet,
  known: NftSet | undefined,
): Promise<MutableSet['elements'] | undefined> {
  const expected = known?.elements ?? new Map<string, string>();
  const missing = new Set(expected.keys());
  const others = new Map<string, string>();
  for (let dump = 0; dump < mostDumps; dump += 1) {
    const before = others.size - missing.size;
    const outcome = await reader.elements(table, set, (elements) => {
      for (const [key, value] of elements)
        if (expected.get(key) === value) missing.delete(key);
        else others.set(key, value);
    });
    if (outcome === 'unavailable') return undefined;
    const isAllKnown = known !== undefined && missing.size === 0;
    if (outcome === 'no set' || isAllKnown || (dump > 0 && others.size - missing.size === before)) break;
  }
  if (known !== undefined && missing.size === 0 && others.size === 0) return known.elements as MutableSet['elements'];
  const held = new Map(expected);
  for (const key of missing) held.delete(key);
  for (const [key, value] of others) held.set(key, value);
  return held;
}
