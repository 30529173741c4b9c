/**
 * Lists a table without one JSON tree of all elements, which takes more memory than the agent may have: nft lists the
 * rest, and each set is read by netlink in pieces.
 */
import { isListedWhole, parseTable } from '../../nftables/language/listing.js';
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
  const outline = reader && (await listByNft(command, table, ['-t']));
  if (reader === undefined || outline === undefined) return listByNft(command, table);
  for (const set of outline.sets.values()) {
    if (!isListedWhole(set)) continue;
    const elements = await readSet(reader, table, set, known?.sets.get(set.name));
    if (elements === undefined) return listByNft(command, table);
    outline.sets.set(set.name, { ...set, elements });
  }
  return outline;
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
 * in it, or when another brought nothing more.
 * @returns undefined where nft has to list it
 */
async function readSet(
  reader: ElementReader,
  table: TableName,
  set: MutableSet,
  known: NftSet | undefined,
): Promise<MutableSet['elements'] | undefined> {
  const held = new Map<string, string>();
  for (let dump = 0; dump < mostDumps; dump += 1) {
    const before = held.size;
    const outcome = await reader.elements(table, set, (elements) => {
      for (const [key, value] of elements) held.set(key, value);
    });
    if (outcome === 'unavailable') return undefined;
    if (outcome === 'no set' || (dump > 0 && held.size === before)) return held;
    if (known !== undefined && hasAll(held, known.elements))
      return held.size === known.elements.size ? (known.elements as MutableSet['elements']) : held;
  }
  return held;
}

function hasAll(held: ReadonlyMap<string, string>, known: ReadonlyMap<string, string>): boolean {
  if (held.size < known.size) return false;
  for (const [key, value] of known) if (held.get(key) !== value) return false;
  return true;
}
