import { describe, test } from '@jest/globals';
import { missingForPackets } from './prerequisites.js';

/**
 * A describe whose tests send real packets; where they cannot run, one skipped test per table says why. `missing` is what
 * else cannot be had here, in a sentence.
 */
export function describePackets(name: string, body: () => void, missing?: string): void {
  const reason = missingForPackets() ?? missing;
  if (reason === undefined) describe(name, body);
  else describe.skip(`${name} [${reason}]`, () => test('needs real packets', () => undefined));
}
