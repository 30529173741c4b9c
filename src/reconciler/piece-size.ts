import { heaviestTransaction } from '../nftables/plan/batch.js';

/** Milliseconds that nft may take for one transaction of a bulk: so long do the changes of others wait for it. */
const pieceTime = 20;
/** What nft takes for the least of them is no reason for less: it reads chains and sets before each transaction. */
const lightestPiece = 500;
const growth = 1.5;

/** How much one transaction may carry, as a weight: learned from what the last ones took. */
export class PieceSize {
  #limit = 2_000;

  get limit(): number {
    return this.#limit;
  }

  /** A transaction of this weight took so many milliseconds. */
  learn(weight: number, milliseconds: number): void {
    if (milliseconds > pieceTime) this.#set(Math.min(weight, this.#limit) * Math.max(0.5, pieceTime / milliseconds));
    else if (weight * growth >= this.#limit && milliseconds * growth < pieceTime) this.#set(this.#limit * growth);
  }

  /** nft did not end: it has to do less at once. */
  halve(): void {
    this.#set(this.#limit / 2);
  }

  #set(limit: number): void {
    this.#limit = Math.min(heaviestTransaction, Math.max(lightestPiece, Math.round(limit)));
  }
}
