const quote = 0x22;
const backslash = 0x5c;

/**
 * Where the items of a JSON List begin, as offsets into the text, which is known to be JSON. A tree with every position
 * would be a hundred times the text.
 */
export function itemOffsets(text: string): readonly number[] {
  const offsets: number[] = [];
  let depth = 0;
  let key = '';
  let expectsItem = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // Blanks never begin an item.
    if (code <= 0x20) continue;
    if (expectsItem && code !== 0x5d) offsets.push(at);
    expectsItem = false;
    if (code === quote) {
      const end = endOfString(text, at);
      if (depth === 1) key = text.slice(at + 1, end);
      at = end;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      expectsItem = depth === 2 && code === 0x5b && key === 'items';
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
      if (depth === 1) key = '';
    } else if (code === 0x2c) expectsItem = depth === 2 && key === 'items';
  }
  return offsets;
}

/** Offset of the quote that ends the string beginning at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote || at >= text.length) return at;
  }
}
