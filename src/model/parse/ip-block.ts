import { cidrWithin, formatCidr, parseCidr, type Cidr } from '../address.js';
import type { Peer } from '../policy.js';
import type { Path, Reader } from './reader.js';

/** How a peer came out: one that can match nothing is left out, and the rule keeps its other peers. */
export type PeerResult = Peer | 'nothing' | 'broken';

/** networking/v1 IPBlock. What SEMANTICS A5 gives a meaning (host bits, excepts outside) is kept with a diagnostic. */
export function parseIpBlock(reader: Reader, value: unknown, path: Path, unknown: 'error' | 'warning'): PeerResult {
  const fields = reader.mapping(value, path);
  if (fields === undefined) return 'broken';
  reader.unknownFields(fields, ['cidr', 'except'], path, unknown);
  const text = reader.text(fields['cidr'], [...path, 'cidr']) ?? '';
  if (text === '') {
    reader.error('invalid-cidr', [...path, 'cidr'], 'Required value');
    return 'broken';
  }
  const cidr = readCidr(reader, text, [...path, 'cidr']);
  const excepts = reader.list(fields['except'], [...path, 'except']).map((entry, index) => {
    const exceptPath = [...path, 'except', index];
    const parsed = readCidr(reader, reader.text(entry, exceptPath) ?? '', exceptPath);
    if (parsed !== undefined && cidr !== undefined && !isStrictSubset(parsed, cidr))
      reader.warning(
        'invalid-except',
        exceptPath,
        `Invalid value: ${JSON.stringify(entry)}: must be a strict subset of \`cidr\``,
      );
    return parsed;
  });
  if (cidr === undefined || excepts.some((except) => except === undefined)) return 'broken';
  return { kind: 'ipBlock', cidr, except: excepts.filter((except) => except !== undefined) };
}

function readCidr(reader: Reader, text: string, path: Path): Cidr | undefined {
  const cidr = parseCidr(text);
  if (cidr === undefined) {
    reader.error(
      'invalid-cidr',
      path,
      `Invalid value: ${JSON.stringify(text)}: must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
    );
    return undefined;
  }
  const canonical = formatCidr(cidr);
  if (canonical !== text)
    reader.warning(
      'cidr-not-canonical',
      path,
      `CIDR value ${JSON.stringify(text)} is not canonical; it is enforced as ${canonical}`,
    );
  return cidr;
}

const isStrictSubset = (inner: Cidr, outer: Cidr): boolean => inner.prefix > outer.prefix && cidrWithin(inner, outer);
