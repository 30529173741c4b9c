/** What commits did to our tables, from the events that the kernel sends for each: all that it changed, then its generation. */
import { attributesIn, messagesIn, textOf } from '../netlink/messages.js';
import { familyNumber, generationAttribute, kind, objectAttribute, tablesSubsystem } from '../netlink/nf-tables.js';
import { isMark } from '../nft/own-commits.js';

/** A commit that changed our tables. */
export interface Commit {
  /** What it changed first. */
  readonly text: string;
  /** The process that made it, as the kernel names it: `1234 (nft)`. */
  readonly process: string;
  /** The marks in it, of which an own commit has one. */
  readonly marks: readonly string[];
}

/** By message: what it is called, and which attribute has its name; the table's is the first of each. */
const events: Readonly<Record<number, readonly [what: string, name: number]>> = {
  [kind.newTable]: ['add table', 1],
  [kind.deleteTable]: ['delete table', 1],
  [kind.newChain]: ['add chain', 3],
  [kind.deleteChain]: ['delete chain', 3],
  [kind.newRule]: ['add rule in chain', 2],
  [kind.deleteRule]: ['delete rule in chain', 2],
  [kind.newSet]: ['add set', 2],
  [kind.deleteSet]: ['delete set', 2],
  [kind.newElements]: ['add element of set', 2],
  [kind.deleteElements]: ['delete element of set', 2],
  [kind.newObject]: ['add object', objectAttribute.name],
  [kind.deleteObject]: ['delete object', objectAttribute.name],
  [kind.newFlowtable]: ['add flowtable', 2],
  [kind.deleteFlowtable]: ['delete flowtable', 2],
};
const tableAttribute = 1;
const ourTable = 'podwall';
const families = new Map<number | undefined, string>(
  Object.entries(familyNumber).map(([family, number]) => [number, family]),
);
/** More say no more: an own commit has one. */
const mostMarks = 2;

export class CommitDecoder {
  #first: string | undefined;
  #marks: string[] = [];
  /** Of the last commit, to whatever table; the kernel counts them. */
  #generation: number | undefined;
  #hasGap = false;

  /** Whether commits were missed since this was last asked. */
  takeGap(): boolean {
    const hasGap = this.#hasGap;
    this.#hasGap = false;
    return hasGap;
  }

  /** @returns the commits that end in this datagram and changed our tables */
  add(datagram: Buffer): readonly Commit[] {
    const commits: Commit[] = [];
    for (const { type, body } of messagesIn(datagram)) {
      if (type >> 8 !== tablesSubsystem) continue;
      const message = type & 0xff;
      if (message !== kind.newGeneration) {
        this.#note(message, body);
        continue;
      }
      this.#count(generationOf(body));
      if (this.#first === undefined) continue;
      commits.push({ text: this.#first, process: processIn(body), marks: this.#marks });
      this.#forgetCommit();
    }
    return commits;
  }

  /** Events were lost: what is known of the commit that is being read is not all of it. */
  forget(): void {
    this.#forgetCommit();
    this.#generation = undefined;
  }

  #forgetCommit(): void {
    this.#first = undefined;
    this.#marks = [];
  }

  /** 32 bits that never are 0. */
  #count(generation: number | undefined): void {
    const last = this.#generation;
    const isNext = last === undefined || generation === last + 1 || (generation === 1 && last === 0xffffffff);
    this.#hasGap ||= !isNext;
    this.#generation = generation;
  }

  #note(message: number, body: Buffer): void {
    const family = families.get(body[0]);
    if (family === undefined) return;
    const [what, nameAttribute] = events[message] ?? [`message ${message} of`, tableAttribute];
    let [table, name] = ['', ''];
    for (const { type, value } of attributesIn(body)) {
      if (type === tableAttribute) table = textOf(value);
      if (type === nameAttribute) name = textOf(value);
    }
    if (table !== ourTable) return;
    this.#first ??= `${what} ${family} ${table}${name === table ? '' : ` ${name}`}`;
    if (message === kind.newObject && this.#marks.length < mostMarks && isMark(name)) this.#marks.push(name);
  }
}

function generationOf(body: Buffer): number | undefined {
  for (const { type, value } of attributesIn(body)) if (type === generationAttribute.id) return value.readUInt32BE(0);
  return undefined;
}

function processIn(body: Buffer): string {
  let [pid, name] = ['', ''];
  for (const { type, value } of attributesIn(body)) {
    if (type === generationAttribute.process && value.length >= 4) pid = String(value.readUInt32BE(0));
    if (type === generationAttribute.processName) name = textOf(value);
  }
  return `${pid} (${name})`;
}
