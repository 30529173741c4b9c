import { createHash } from 'node:crypto';

/** Parts stay apart: ('team', 'alpha') and ('teama', 'lpha') differ. */
export function hashOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}

const longestName = 60;

/** `readable-hash`, where only the hash tells names apart; nft names hold letters, digits and `/ \ _ . -`. */
export function nameWithHash(readable: string, hash: string): string {
  const plain = readable.replace(/[^A-Za-z0-9_.-]/g, '-');
  return `${plain.slice(0, longestName - hash.length - 1)}-${hash}`;
}

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
