import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printTransaction } from '../../src/nftables/language/command-text.js';
import { parseTable } from '../../src/nftables/language/listing.js';
import type { MutableRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { runPrefix } from '../support/runs.mjs';
import type { Transaction } from '../../src/nftables/language/command.js';

let created = 0;

/** An empty network namespace with nft in it; gone when disposed. */
export class NftNamespace implements Disposable {
  readonly name = `${runPrefix}nft-${(created += 1)}`;
  readonly #folder = mkdtempSync(join(tmpdir(), 'podwall-nft-'));

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name]);
  }

  /** Runs a command inside; throws with its standard error. */
  run(...command: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, ...command], {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  apply(transaction: Transaction): void {
    const text = printTransaction(transaction);
    if (text === undefined) throw new Error('a transaction that has no text');
    this.load(text);
  }

  load(text: string): void {
    const file = join(this.#folder, 'transaction');
    writeFileSync(file, text);
    this.run('nft', '-f', file);
  }

  list(): MutableRuleset {
    return parseTable(this.run('nft', '-j', 'list', 'table', 'inet', 'podwall'));
  }

  [Symbol.dispose](): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
    rmSync(this.#folder, { recursive: true });
  }
}
