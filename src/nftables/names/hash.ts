import { createHash } from 'node:crypto';

/** Parts stay apart: ('team', 'alpha') and ('teama', 'lpha') differ. */
export function hashOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}
