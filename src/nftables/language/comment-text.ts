/** nft refuses the whole transaction for a comment beyond 128 bytes. */
const longestComment = 120;

/** The one place where comments are made to fit; quotes and line ends cannot stand in nft's text. */
export function commentOf(text: string): string {
  const plain = text.replace(/"/g, "'").replace(/[\u0000-\u001f\u007f\\]/g, ' ');
  if (Buffer.byteLength(plain) <= longestComment) return plain;
  let kept = '';
  let bytes = 3;
  for (const character of plain) {
    bytes += Buffer.byteLength(character);
    if (bytes > longestComment) break;
    kept += character;
  }
  return `${kept}…`;
}
