/** The parts of a ClusterNetworkPolicy, and the bounds that its CRD sets them. */
import { isIP } from 'node:net';
import { formatCidr, parseAddress, parseCidr } from '../address.js';
import { isMapping, type Fields, type Path, type Reader } from './reader.js';
import { parseSelector } from './selector.js';

export const versions = ['v1alpha2', 'v1beta1'] as const;

export interface Context {
  readonly reader: Reader;
  readonly version: (typeof versions)[number];
  /** How bad an unknown field is. */
  readonly unknown: 'error' | 'warning';
}

type Check = (context: Context, value: unknown, path: Path) => void;

/** By the name of the field that says which kind of peer, or protocol, something is. */
type Kinds = Readonly<Record<string, Check>>;

export const outOfBounds = ({ reader }: Context, path: Path, message: string): void => {
  reader.error('out-of-bounds', path, message);
};

/** Null is pruned before the schema looks. */
export const hasField = (value: unknown, name: string): boolean =>
  isMapping(value) && value[name] !== undefined && value[name] !== null;

/** Exactly one of the fields, whichever. */
export function checkOneOf(context: Context, value: unknown, path: Path, kinds: Kinds): void {
  const { reader, unknown } = context;
  const fields = reader.mapping(value, path) ?? {};
  const names = Object.keys(kinds);
  reader.unknownFields(fields, names, path, unknown);
  const set = names.filter((name) => hasField(fields, name));
  if (set.length !== 1)
    outOfBounds(context, path, `must have exactly one of ${names.join(', ')}, but has ${set.join(' and ') || 'none'}`);
  for (const name of set) kinds[name]?.(context, fields[name], [...path, name]);
}

/** @param required whether there must be at least one */
export function checkCount(context: Context, list: readonly unknown[], path: Path, required?: 'required'): void {
  const most = 25;
  if (list.length > most) outOfBounds(context, path, `must have at most ${most} items, but has ${list.length}`);
  if (list.length === 0 && required !== undefined) outOfBounds(context, path, 'must have at least one item');
}

export function checkChoice(context: Context, value: unknown, path: Path, choices: readonly string[]): void {
  if (choices.some((one) => one === value)) return;
  const supported = `supported values: ${choices.map((one) => `"${one}"`).join(', ')}`;
  const hint = value === 'Allow' ? ' ("Allow" of AdminNetworkPolicy is "Accept" here)' : '';
  outOfBounds(context, path, `Unsupported value: ${JSON.stringify(value ?? '')}: ${supported}${hint}`);
}

export function checkNumber(
  context: Context,
  value: unknown,
  path: Path,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return;
  outOfBounds(context, path, `Invalid value: ${JSON.stringify(value ?? null)}: must be a number from ${from} to ${to}`);
}

const checkSelector: Check = ({ reader, unknown }, value, path) => void parseSelector(reader, value, path, unknown);

/** What a subject may be, and a peer of either direction. */
export const podPeers: Kinds = {
  namespaces: checkSelector,
  pods: (context, value, path) => {
    const { reader, unknown } = context;
    const pods = reader.mapping(value, path) ?? {};
    reader.unknownFields(pods, ['namespaceSelector', 'podSelector'], path, unknown);
    if (!hasField(pods, 'podSelector'))
      outOfBounds(context, [...path, 'podSelector'], 'Required value: write {} for all pods');
    for (const name of Object.keys(pods)) checkSelector(context, pods[name], [...path, name]);
  },
};

/** What a peer of egress may be, too: nothing that has named ports. */
export const otherPeers: Kinds = {
  nodes: checkSelector,
  networks: (context, value, path) => {
    for (const [text, at] of uniqueTexts(context, value, path)) checkNetwork(context, text, at);
  },
  domainNames: (context, value, path) => {
    for (const [text, at] of uniqueTexts(context, value, path))
      if (!domainPatterns[context.version].test(text))
        context.reader.error(
          'invalid-domain-name',
          at,
          `Invalid value: ${JSON.stringify(text)}: must be a domain name, optionally after \`*.\`, as in *.example.com`,
        );
  },
};

/** `A-z` is upstream's slip, which v1beta1 mends. */
const domainPatterns = {
  v1alpha2: /^(\*\.)?([a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/,
  v1beta1: /^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/,
};

function uniqueTexts(context: Context, value: unknown, path: Path): readonly (readonly [string, Path])[] {
  const { reader } = context;
  const list = reader.list(value, path);
  checkCount(context, list, path, 'required');
  return list.map((entry, index) => {
    const at = [...path, index];
    if (list.indexOf(entry) < index) outOfBounds(context, at, `Duplicate value: ${JSON.stringify(entry)}`);
    return [reader.text(entry, at) ?? '', at];
  });
}

function checkNetwork({ reader, version }: Context, text: string, path: Path): void {
  const cidr = parseCidr(text);
  const host = text.split('/')[0] ?? '';
  if (cidr === undefined || isIP(host) === 0 || text.length > 43)
    reader.error('invalid-cidr', path, `Invalid value: ${JSON.stringify(text)}: Invalid CIDR format provided`);
  else if (parseAddress(host) !== cidr.address) {
    const message = `CIDR value ${JSON.stringify(text)} is not canonical; it means ${formatCidr(cidr)}`;
    if (version === 'v1beta1') reader.error('cidr-not-canonical', path, message);
    else reader.warning('cidr-not-canonical', path, message);
  }
}

const checkPorts: Check = (context, value, path) => {
  checkOneOf(context, value, path, { destinationPort: checkPort });
};

const checkPort: Check = (context, value, path) => {
  checkOneOf(context, value, path, {
    number: (_, number, at) => {
      checkNumber(context, number, at, ports);
    },
    range: (_, range, at) => {
      checkRange(context, context.reader.mapping(range, at) ?? {}, at);
    },
  });
};

const ports = { from: 1, to: 65_535 };

function checkRange(context: Context, range: Fields, path: Path): void {
  const { start, end } = range;
  context.reader.unknownFields(range, ['start', 'end'], path, context.unknown);
  checkNumber(context, start, [...path, 'start'], ports);
  checkNumber(context, end, [...path, 'end'], ports);
  if (typeof start === 'number' && typeof end === 'number' && start >= end)
    outOfBounds(context, [...path, 'end'], `Invalid value: ${end}: Start port must be less than End port`);
}

/** What an item of protocols may be. */
export const protocolFields: Kinds = {
  tcp: checkPorts,
  udp: checkPorts,
  sctp: checkPorts,
  destinationNamedPort: ({ reader }, value, path) => void reader.text(value, path),
};
