/** One form for what releases of nft list in several: that of nft 1.0.6, in which rules are rendered. */
import { parseAddress } from '../../model/address.js';
import { addressBits, neighbourTarget } from './expressions.js';

type Body = Readonly<Record<string, unknown>>;

export const isBody = (value: unknown): value is Body => typeof value === 'object' && value !== null;

export function canonicalStatement(statement: unknown): unknown {
  if (!isBody(statement)) return statement;
  const { match, set } = statement;
  if (isBody(match)) return { ...statement, match: canonicalMatch(match) };
  return isBody(set) && isTargetAddress(set['elem'])
    ? { ...statement, set: { ...set, elem: neighbourTarget } }
    : statement;
}

function canonicalMatch(match: Body): Body {
  const { left, right } = match;
  if (isTargetAddress(left)) return { ...match, left: neighbourTarget, right: withNumbers(right) };
  // `flags & (a | b)` is listed as `[flags, ["a", "b"]]` by nft 1.0.6, and as `[flags, { "|": ["a", "b"] }]` since 1.1.
  const masked = isBody(left) ? left['&'] : undefined;
  if (!Array.isArray(masked)) return match;
  const [field, mask] = masked as unknown[];
  const flags = isBody(mask) ? mask['|'] : undefined;
  return Array.isArray(flags) ? { ...match, left: { '&': [field, flags] } } : match;
}

function isTargetAddress(expression: unknown): boolean {
  const payload = isBody(expression) ? expression['payload'] : undefined;
  return isBody(payload) && payload['protocol'] === 'icmpv6' && payload['field'] === 'taddr';
}

function withNumbers(right: unknown): unknown {
  if (typeof right === 'string') {
    const address = parseAddress(right);
    return address === undefined ? right : addressBits(address);
  }
  const members = isBody(right) ? right['set'] : undefined;
  return Array.isArray(members) ? { set: members.map(withNumbers) } : right;
}
