import { boundedDiagnostics, type Parsed } from '../diagnostic.js';
import type { LabelSelector } from '../labels.js';
import {
  directions,
  type AnyPolicy,
  type Direction,
  type Peer,
  type PolicyRef,
  type PolicyRule,
  type Port,
  type Protocol,
} from '../policy.js';
import { modeIn } from '../policy-mode.js';
import { modeDiagnostics } from './annotations.js';
import { parseIpBlock, type PeerResult } from './ip-block.js';
import { jsonBytes } from './json-bytes.js';
import { checkOuterFields, parseMetadata } from './metadata.js';
import { portNameProblem } from './names.js';
import { withPlaceholders } from './placeholders.js';
import { parseProtocol } from './protocol.js';
import { isMapping, Reader, type Fields, type Path } from './reader.js';
import { parseSelector } from './selector.js';

export interface ParseOptions {
  /**
   * Read from a file that has met no API server: an unknown field inside the spec is an error, since the field that was
   * meant is missing (`- form: […]` is `{}`, which allows everyone).
   */
  readonly strict: boolean;
}

/**
 * A networking.k8s.io/v1 NetworkPolicy with the API server's defaults (SEMANTICS A1) and validation (A9). An invalid one
 * is a BrokenPolicy: it isolates what it selects and allows nothing. Fails only when it has no usable name.
 */
export function parseNetworkPolicy(object: unknown, options: ParseOptions): Parsed<AnyPolicy> {
  const reader = new Reader();
  const unknown = options.strict ? 'error' : 'warning';
  const metadata = parseMetadata(reader, object);
  const fields = isMapping(object) ? object : {};
  checkOuterFields(reader, fields, options);
  const spec = reader.mapping(fields['spec'], ['spec']) ?? {};
  reader.unknownFields(spec, ['podSelector', 'policyTypes', 'ingress', 'egress'], ['spec'], unknown);
  const selector = parseSelector(reader, spec['podSelector'], ['spec', 'podSelector'], unknown);
  const types = parseTypes(reader, spec);
  const rules = parseRules(reader, spec, unknown);
  const noted = withPlaceholders(fields, [...reader.diagnostics, ...rules.notes.diagnostics]);
  if (metadata === undefined) return { ok: false, diagnostics: noted };
  const ref: PolicyRef = { kind: 'NetworkPolicy', namespace: metadata.namespace ?? 'default', name: metadata.name };
  const { uid, generation, created, annotations } = metadata;
  const diagnostics = [...modeDiagnostics(annotations), ...noted];
  const identity = {
    ref,
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    ...(created === 0 ? {} : { created }),
    ...(modeIn(annotations) === 'dry-run' ? { mode: 'dry-run' as const } : {}),
    bytes: jsonBytes(fields['spec']),
  };
  if (reader.failed || selector === undefined || types === undefined) {
    const appliesTo: LabelSelector | 'wholeNamespace' = selector ?? 'wholeNamespace';
    const broken = { appliesTo, directions: types ?? directions, diagnostics: boundedDiagnostics(noted) };
    return { ok: true, value: { kind: 'broken', ...identity, ...broken }, diagnostics };
  }
  const policy: AnyPolicy = {
    kind: 'policy',
    ...identity,
    appliesTo: selector,
    ...(types.includes('ingress') ? { ingress: rules.ingress } : {}),
    ...(types.includes('egress') ? { egress: rules.egress } : {}),
  };
  return { ok: true, value: policy, diagnostics };
}

/** policyTypes with its default: Ingress, and Egress when there are egress rules. Undefined when it cannot be read. */
function parseTypes(reader: Reader, spec: Fields): readonly Direction[] | undefined {
  const path = ['spec', 'policyTypes'];
  const raw = spec['policyTypes'];
  if (raw !== undefined && raw !== null && !Array.isArray(raw)) {
    reader.list(raw, path);
    return undefined;
  }
  const listed = (raw ?? []) as readonly unknown[];
  const egress = spec['egress'];
  if (listed.length === 0) return Array.isArray(egress) && egress.length > 0 ? ['ingress', 'egress'] : ['ingress'];
  if (listed.length > 2) {
    reader.error('invalid-policy-type', path, 'Invalid value: may not specify more than two policyTypes');
    return undefined;
  }
  const found = listed.map((type, index) => {
    const direction = directions.find((name) => type === (name === 'ingress' ? 'Ingress' : 'Egress'));
    if (direction === undefined)
      reader.error(
        'invalid-policy-type',
        [...path, index],
        `Unsupported value: ${JSON.stringify(type)}: supported values: "Ingress", "Egress"`,
      );
    return direction;
  });
  return found.includes(undefined) ? undefined : directions.filter((name) => found.includes(name));
}

interface Rules {
  readonly ingress: readonly PolicyRule[];
  readonly egress: readonly PolicyRule[];
  /** Errors that leave a meaning: a peer that matches nothing does not break its policy. */
  readonly notes: Reader;
}

function parseRules(reader: Reader, spec: Fields, unknown: 'error' | 'warning'): Rules {
  const notes = new Reader();
  const parse = (direction: Direction, peers: 'from' | 'to'): PolicyRule[] =>
    reader
      .list(spec[direction], ['spec', direction])
      .map((rule, index) => parseRule({ reader, notes, unknown, peers }, rule, ['spec', direction, index]))
      .filter((rule) => rule !== undefined);
  return { ingress: parse('ingress', 'from'), egress: parse('egress', 'to'), notes };
}

interface RuleContext {
  readonly reader: Reader;
  readonly notes: Reader;
  readonly unknown: 'error' | 'warning';
  readonly peers: 'from' | 'to';
}

function parseRule(context: RuleContext, value: unknown, path: Path): PolicyRule | undefined {
  const { reader, unknown, peers: key } = context;
  const fields = reader.mapping(value, path) ?? {};
  reader.unknownFields(fields, [key, 'ports'], path, unknown);
  const peers = reader
    .list(fields[key], [...path, key])
    .map((peer, index) => parsePeer(context, peer, [...path, key, index]));
  const ports = reader
    .list(fields['ports'], [...path, 'ports'])
    .map((port, index) => parsePort(reader, port, [...path, 'ports', index], unknown));
  return {
    // A peer that matches nothing must not leave an empty list, which would be everyone: the list stays, its peer is nobody.
    peers: peers.length === 0 ? 'anyone' : peers.map((peer) => (typeof peer === 'string' ? nobody : peer)),
    ports: ports.length === 0 ? 'anyPort' : ports.filter((port) => port !== undefined),
  };
}

/** Selects no pod: a key can not be both present and absent. */
const nobody: Peer = {
  kind: 'pods',
  namespaces: 'own',
  pods: {
    requirements: [
      { operator: 'Exists', key: 'nobody' },
      { operator: 'DoesNotExist', key: 'nobody' },
    ],
  },
};

function parsePeer(context: RuleContext, value: unknown, path: Path): PeerResult {
  const { reader, notes, unknown } = context;
  const fields = reader.mapping(value, path) ?? {};
  reader.unknownFields(fields, ['podSelector', 'namespaceSelector', 'ipBlock'], path, unknown);
  const present = (name: string): boolean => fields[name] !== undefined && fields[name] !== null;
  const selects = present('podSelector') || present('namespaceSelector');
  if (present('ipBlock')) {
    if (selects) reader.error('invalid-peer', path, 'Forbidden: may not specify both ipBlock and another peer');
    return parseIpBlock(reader, fields['ipBlock'], [...path, 'ipBlock'], unknown);
  }
  if (!selects) {
    notes.error('empty-peer', path, 'Required value: must specify a peer (this one matches nothing)');
    return 'nothing';
  }
  const pods = parseSelector(reader, fields['podSelector'], [...path, 'podSelector'], unknown);
  const namespaces = present('namespaceSelector')
    ? parseSelector(reader, fields['namespaceSelector'], [...path, 'namespaceSelector'], unknown)
    : 'own';
  return pods === undefined || namespaces === undefined ? 'broken' : { kind: 'pods', namespaces, pods };
}

function parsePort(reader: Reader, value: unknown, path: Path, unknown: 'error' | 'warning'): Port | undefined {
  const fields = reader.mapping(value, path) ?? {};
  reader.unknownFields(fields, ['protocol', 'port', 'endPort'], path, unknown);
  const protocol = parseProtocol(reader, fields['protocol'], [...path, 'protocol']);
  // The numbers are looked at in any case, to report all errors.
  const port = parsePortNumbers(reader, fields, path, protocol ?? 'TCP');
  return protocol === undefined ? undefined : port;
}

function parsePortNumbers(reader: Reader, fields: Fields, path: Path, protocol: Protocol): Port | undefined {
  const port = fields['port'] ?? undefined;
  const endPort = fields['endPort'] ?? undefined;
  if (port === undefined) {
    if (endPort !== undefined)
      invalid(reader, [...path, 'endPort'], endPort, 'may not be specified when `port` is not specified');
    return { kind: 'all', protocol };
  }
  if (typeof port === 'string') {
    const problem = portNameProblem(port);
    if (problem !== undefined) invalid(reader, [...path, 'port'], port, problem);
    if (endPort !== undefined)
      invalid(reader, [...path, 'endPort'], endPort, 'may not be specified when `port` is non-numeric');
    return { kind: 'named', protocol, name: port };
  }
  if (!isPortNumber(port)) {
    invalid(reader, [...path, 'port'], port, 'must be between 1 and 65535, inclusive');
    return undefined;
  }
  if (endPort === undefined) return { kind: 'range', protocol, first: port, last: port };
  if (!isPortNumber(endPort)) {
    invalid(reader, [...path, 'endPort'], endPort, 'must be between 1 and 65535, inclusive');
    return undefined;
  }
  // The API server names the port here, not the endPort.
  if (endPort < port) invalid(reader, [...path, 'endPort'], port, 'must be greater than or equal to `port`');
  return { kind: 'range', protocol, first: port, last: endPort };
}

const isPortNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;

function invalid(reader: Reader, path: Path, value: unknown, detail: string): void {
  reader.error('invalid-port', path, `Invalid value: ${JSON.stringify(value)}: ${detail}`);
}
