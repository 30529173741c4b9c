/** Where a word stands next in a text that is gone through once. */
export class NextOccurrence {
  readonly #word: string;
  #text = '';
  #at = 0;

  constructor(word: string) {
    this.#word = word;
  }

  open(text: string): void {
    this.#text = text;
    this.#at = -1;
  }

  /** Infinity when it is not there any more. `place` never goes back. */
  from(place: number): number {
    if (this.#at < place) {
      const found = this.#text.indexOf(this.#word, place);
      this.#at = found < 0 ? Infinity : found;
    }
    return this.#at;
  }
}
