/** Expected reachability as code: documents of kind Assertions. */
import { isMapping } from '../model/parse.js';
import { protocols, type Protocol } from '../model/policy.js';

export interface Expectation {
  readonly from: string;
  readonly to: string;
  /** A number or the name of a port of `to`; ignored for ICMP. */
  readonly port: string;
  readonly protocol: Protocol | 'ICMP';
  readonly allowed: boolean;
}

export interface Assertions {
  readonly expect: readonly Expectation[];
  /** What no expectation names is not looked at, or must be denied. */
  readonly unlisted: 'unchecked' | 'denied';
}

export const isAssertions = (object: unknown): boolean =>
  isMapping(object) && object['kind'] === 'Assertions' && String(object['apiVersion']).startsWith('podwall.dev/');

/** @returns what the document expects, or what is wrong with it: the field and why. */
export function parseAssertions(
  object: unknown,
): Assertions | { readonly path: readonly (string | number)[]; readonly message: string } {
  const spec = isMapping(object) && isMapping(object['spec']) ? object['spec'] : {};
  const { unlisted = 'unchecked', expect } = spec;
  if (unlisted !== 'unchecked' && unlisted !== 'denied')
    return { path: ['spec', 'unlisted'], message: 'must be unchecked or denied' };
  if (!Array.isArray(expect)) return { path: ['spec', 'expect'], message: 'must be a list' };
  const expectations: Expectation[] = [];
  for (const [index, one] of (expect as unknown[]).entries()) {
    const parsed = parseExpectation(one);
    if ('field' in parsed) return { path: ['spec', 'expect', index, parsed.field], message: parsed.message };
    expectations.push(parsed);
  }
  return { expect: expectations, unlisted };
}

function parseExpectation(value: unknown): Expectation | { readonly field: string; readonly message: string } {
  const fields = isMapping(value) ? value : {};
  const { from, to, port = 0, protocol = 'TCP', allowed } = fields;
  if (typeof from !== 'string') return { field: 'from', message: 'must be the name of an end' };
  if (typeof to !== 'string') return { field: 'to', message: 'must be the name of an end' };
  if (typeof allowed !== 'boolean') return { field: 'allowed', message: 'must be true or false' };
  const known = [...protocols, 'ICMP' as const].find((name) => name === protocol);
  if (known === undefined) return { field: 'protocol', message: 'must be TCP, UDP, SCTP or ICMP' };
  if (typeof port !== 'string' && typeof port !== 'number')
    return { field: 'port', message: 'must be a number or a name' };
  return { from, to, port: String(port), protocol: known, allowed };
}
