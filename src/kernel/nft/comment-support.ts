import type { Command, Transaction } from '../../nftables/language/command.js';
import { allCommented, printTransaction, type Commented } from '../../nftables/language/command-text.js';

const sampleOf: Readonly<Record<'table' | 'set' | 'chain', Command>> = {
  table: { kind: 'add table', title: 'sample' },
  set: {
    kind: 'add set',
    set: { name: 'sample', title: 'sample', type: ['ipv4_addr'], verdicts: false, interval: true },
  },
  chain: { kind: 'add chain', name: 'sample', title: 'sample' },
};

const sampleTransaction = (commented: Commented): string =>
  printTransaction({
    family: 'inet',
    table: 'podwall-sample',
    effect: 'none',
    commands: [{ kind: 'add table' }, ...[...commented].map((kind) => sampleOf[kind])],
  }) ?? '';

/**
 * Objects that this nft lets have a comment: it came to tables, chains and sets in different versions.
 * @param accepts checks a transaction, and changes nothing
 */
export async function supportedComments(accepts: (text: string) => Promise<boolean>): Promise<Commented> {
  if (await accepts(sampleTransaction(allCommented))) return allCommented;
  const found = new Set<'table' | 'set' | 'chain'>();
  for (const kind of allCommented) if (await accepts(sampleTransaction(new Set([kind])))) found.add(kind);
  return found;
}

/** Whether the transaction says anything that could be a comment of an object. */
export const hasTitles = ({ commands }: Transaction): boolean =>
  commands.some((command) => 'title' in command || (command.kind === 'add set' && command.set.title !== undefined));
