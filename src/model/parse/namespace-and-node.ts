import { parseAddress, parseCidr, type Cidr } from '../address.js';
import type { Parsed } from '../diagnostic.js';
import type { Namespace, Node } from '../pod.js';
import { checkAudit, modeDiagnostics } from './annotations.js';
import { parseMetadata } from './metadata.js';
import { isMapping, Reader, type Fields, type Path } from './reader.js';

const namespaceNameLabel = 'kubernetes.io/metadata.name';

/** A v1 Namespace; the API server's immutable name label is always there, whatever the file says. */
export function parseNamespace(object: unknown): Parsed<Namespace> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const { name, uid, labels, annotations } = metadata;
  checkAudit(reader, annotations);
  return {
    ok: true,
    value: {
      name,
      ...(uid === undefined ? {} : { uid }),
      labels: { ...labels, [namespaceNameLabel]: name },
      annotations,
    },
    diagnostics: [...modeDiagnostics(annotations), ...reader.diagnostics],
  };
}

/** A namespace that is only known by its name. */
export const impliedNamespace = (name: string): Namespace => ({
  name,
  labels: { [namespaceNameLabel]: name },
  annotations: {},
});

/** A v1 Node: its own addresses (InternalIP, ExternalIP) and the ranges that its pods' addresses come from. */
export function parseNode(object: unknown): Parsed<Node> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  const fields = isMapping(object) ? object : {};
  const spec = reader.mapping(fields['spec'], ['spec']) ?? {};
  const status = reader.mapping(fields['status'], ['status']) ?? {};
  const addresses = reader.mappings(status['addresses'], ['status', 'addresses']).flatMap(({ fields: one, path }) => {
    const type = reader.text(one['type'], [...path, 'type']);
    const address = reader.text(one['address'], [...path, 'address']) ?? '';
    if (type !== 'InternalIP' && type !== 'ExternalIP') return [];
    const parsed = parseAddress(address);
    if (parsed === undefined)
      reader.warning(
        'invalid-address',
        [...path, 'address'],
        `${JSON.stringify(address)} is not an IP address; it is ignored`,
      );
    return parsed ?? [];
  });
  const podCidrs = parsePodCidrs(reader, spec);
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const { name, uid, labels } = metadata;
  return {
    ok: true,
    value: { name, ...(uid === undefined ? {} : { uid }), labels, addresses, podCidrs },
    diagnostics: reader.diagnostics,
  };
}

/** `podCIDR` is the first of `podCIDRs`, and all that an old server has. */
function parsePodCidrs(reader: Reader, spec: Fields): readonly Cidr[] {
  const single = reader.text(spec['podCIDR'], ['spec', 'podCIDR']);
  const listed = reader
    .list(spec['podCIDRs'], ['spec', 'podCIDRs'])
    .map((value, index): readonly [unknown, Path] => [value, ['spec', 'podCIDRs', index]]);
  if (listed.length === 0 && single !== undefined) listed.push([single, ['spec', 'podCIDR']]);
  return listed.flatMap(([value, path]) => {
    const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
    if (cidr === undefined) reader.error('invalid-cidr', path, `${JSON.stringify(value)} is not a CIDR`);
    return cidr ?? [];
  });
}
