/** `"key":` as a line contains it, compared in words of four bytes: comparing characters takes several times as long. */
export class KeyPattern {
  readonly text: string;
  readonly #words: Uint32Array;
  /** Offset of the last word; it may overlap the one before. */
  readonly #lastAt: number;
  readonly #last: number;

  constructor(key: string) {
    this.text = `"${key}":`;
    const bytes = Buffer.from(this.text);
    this.#lastAt = bytes.length - 4;
    this.#last = bytes.readUInt32LE(this.#lastAt);
    this.#words = Uint32Array.from({ length: Math.floor((bytes.length - 1) / 4) }, (_, index) =>
      bytes.readUInt32LE(index * 4),
    );
  }

  /** @param view of ASCII text that is long enough for the pattern at `place` */
  isIn(view: DataView, place: number): boolean {
    if (view.getUint32(place + this.#lastAt, true) !== this.#last) return false;
    const words = this.#words;
    for (let index = 0; index < words.length; index += 1)
      if (view.getUint32(place + index * 4, true) !== words[index]) return false;
    return true;
  }
}
