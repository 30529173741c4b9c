/** Expected reachability as code: documents of kind Assertions. */
import { parseAddress } from '../model/address.js';
import { parseEndpointName } from '../model/endpoint-name.js';
import { isMapping } from '../model/parse.js';
import type { Assertions, Expectation } from '../model/expectation.js';
import { visible } from '../model/visible.js';
import { protocols } from '../model/policy.js';

export const isAssertions = (object: unknown): boolean =>
  isMapping(object) && object['kind'] === 'Assertions' && String(object['apiVersion']).startsWith('podwall.dev/');

interface AssertionProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** @returns what the document expects, or what is wrong with it: the field and why. */
export function parseAssertions(object: unknown): Assertions | AssertionProblem {
  const spec = isMapping(object) && isMapping(object['spec']) ? object['spec'] : {};
  const { unlisted = 'unchecked', expect, table } = spec;
  const unknown = unknownField(spec, ['unlisted', 'expect', 'table']);
  if (unknown !== undefined) return { path: ['spec', unknown.field], message: unknown.message };
  if (unlisted !== 'unchecked' && unlisted !== 'denied')
    return { path: ['spec', 'unlisted'], message: 'must be unchecked or denied' };
  if (expect === undefined && table === undefined)
    return { path: ['spec', 'expect'], message: 'must be a list (or spec.table must be a text)' };
  if (expect !== undefined && !Array.isArray(expect)) return { path: ['spec', 'expect'], message: 'must be a list' };
  if (table !== undefined && typeof table !== 'string') return { path: ['spec', 'table'], message: 'must be a text' };
  const expectations: Expectation[] = [];
  for (const [index, one] of ((expect ?? []) as unknown[]).entries()) {
    const path = ['spec', 'expect', index];
    const parsed = parseExpectation(one);
    if ('message' in parsed) return { path: [...path, parsed.field], message: parsed.message };
    expectations.push({ ...parsed, path });
  }
  const path = ['spec', 'table'];
  for (const [line, text] of (table ?? '').split('\n').entries()) {
    if (text.trim() === '') continue;
    const parsed = parseLine(text.trim());
    if ('message' in parsed) return { path, message: parsed.message };
    expectations.push({ ...parsed, path, line });
  }
  return { expect: expectations, unlisted };
}

type Unplaced = Omit<Expectation, 'path' | 'line'>;

/** `web.shop -> db.shop 5432/TCP allowed` */
function parseLine(line: string): Unplaced | { readonly message: string } {
  const [, from, to, where = '', verdict] = /^(\S+)\s+->\s+(\S+)\s+(\S+)\s+(allowed|denied)$/.exec(line) ?? [];
  if (from === undefined || to === undefined)
    return { message: `${visible(line)}: must be FROM -> TO PORT[/PROTOCOL] allowed|denied` };
  const [port, protocol = 'TCP'] = where === 'ICMP' ? [undefined, 'ICMP'] : where.split('/');
  const parsed = parseExpectation({ from, to, port, protocol, allowed: verdict === 'allowed' });
  return 'message' in parsed ? { message: `${line}: ${parsed.field} ${parsed.message}` } : parsed;
}

interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

function parseExpectation(value: unknown): Unplaced | FieldProblem {
  const fields = isMapping(value) ? value : {};
  const { from, to, port, protocol = 'TCP', allowed } = fields;
  const unknown = unknownField(fields, ['from', 'to', 'port', 'protocol', 'allowed']);
  if (unknown !== undefined) return unknown;
  if (typeof from !== 'string') return { field: 'from', message: 'must be the name of an endpoint' };
  if (typeof to !== 'string') return { field: 'to', message: 'must be the name of an endpoint' };
  if (typeof allowed !== 'boolean') return { field: 'allowed', message: 'must be true or false' };
  const known = [...protocols, 'ICMP' as const].find((name) => name === protocol);
  if (known === undefined) return { field: 'protocol', message: 'must be TCP, UDP, SCTP or ICMP' };
  const destination = parseEndpointName(to);
  const isPortless =
    known === 'ICMP' ||
    destination.kind === 'svc' ||
    (destination.port !== undefined && parseAddress(to) === undefined);
  const named = { from: visible(from), to: visible(to), protocol: known, allowed };
  if (isPortless && port === undefined) return named;
  if (typeof port !== 'string' && typeof port !== 'number')
    return { field: 'port', message: 'must be a number or a name' };
  return { ...named, port: visible(String(port)) };
}

function unknownField(fields: Readonly<Record<string, unknown>>, known: readonly string[]): FieldProblem | undefined {
  const field = Object.keys(fields).find((name) => !known.includes(name));
  return field === undefined
    ? undefined
    : { field: visible(field), message: `is an unknown field; the fields are ${known.join(', ')}` };
}
