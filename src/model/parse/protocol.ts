import { protocols, type Protocol } from '../policy.js';
import type { Path, Reader } from './reader.js';

/** TCP where nothing is given; undefined, and an error, for what is none. */
export function parseProtocol(reader: Reader, value: unknown, path: Path): Protocol | undefined {
  if (value === undefined || value === null) return 'TCP';
  const protocol = protocols.find((name) => name === value);
  if (protocol === undefined)
    reader.error(
      'invalid-protocol',
      path,
      `Unsupported value: ${JSON.stringify(value)}: supported values: "TCP", "UDP", "SCTP"`,
    );
  return protocol;
}
