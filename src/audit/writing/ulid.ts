import { randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 48 bits of time (milliseconds since the epoch) and 80 random bits in Crockford's base 32 (github.com/ulid/spec). */
export function ulid(time: number): string {
  let text = '';
  for (let rest = Math.floor(time), digit = 0; digit < 10; rest = Math.floor(rest / 32), digit += 1)
    text = (alphabet[rest % 32] ?? '') + text;
  for (const byte of randomBytes(16)) text += alphabet[byte % 32] ?? '';
  return text;
}
