/** Finds the next occurrence of a word in a text that is read once from its beginning to its end. */
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

  /** Infinity when there is none. @param place never smaller than in the call before */
  from(place: number): number {
    if (this.#at < place) {
      const found = this.#text.indexOf(this.#word, place);
      this.#at = found < 0 ? Infinity : found;
    }
    return this.#at;
  }
}
