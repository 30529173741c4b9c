import { describe, test } from '@jest/globals';
import { missingForPackets } from './packages.js';

/** A describe whose tests send real packets; where they cannot run, one skipped test per table says why. */
export function describePackets(name: string, body: () => void): void {
  const reason = missingForPackets();
  if (reason === undefined) describe(name, body);
  else describe.skip(`${name} [${reason}]`, () => test('needs real packets', () => undefined));
}
