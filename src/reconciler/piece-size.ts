import { heaviestTransaction } from '../nftables/plan/batch.js';

/** Milliseconds that nft may take for one transaction of a bulk: so long do the changes of others wait for it. */
const pieceTime = 20;
/** Where nft takes more for the least transaction, that is no reason for less at once: a piece may take so many times as long. */
const timesLeast = 2;
/** A lighter transaction says what each takes, whatever is in it: nft reads chains and sets before, and may wait for a processor. */
const lightestPiece = 500;
const growth = 1.5;

/** How much one transaction may carry, as a weight: learned from what the last ones took. */
export class PieceSize {
  #limit = 2_000;
  /** Milliseconds of light transactions, smoothed. */
  #least = 0;

  get limit(): number {
    return this.#limit;
  }

  /** A transaction of this weight took so many milliseconds. */
  learn(weight: number, milliseconds: number): void {
    if (weight < lightestPiece) {
      this.#least = (3 * this.#least + milliseconds) / 4;
      return;
    }
    const most = Math.max(pieceTime, timesLeast * this.#least);
    const fits = (Math.min(weight, this.#limit) * most) / milliseconds;
    // One that had to wait for a processor counts no more than half.
    if (milliseconds > most) this.#set(Math.max(fits, this.#limit / 2));
    else if (weight * growth >= this.#limit && milliseconds * growth < most) this.#set(this.#limit * growth);
  }

  /** nft did not end: it has to do less at once. */
  halve(): void {
    this.#set(this.#limit / 2);
  }

  #set(limit: number): void {
    this.#limit = Math.min(heaviestTransaction, Math.max(lightestPiece, Math.round(limit)));
  }
}
