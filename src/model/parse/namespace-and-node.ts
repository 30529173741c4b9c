import { checkAudit, checkMode } from '../audit-mode.js';
import { parseAddress, parseCidr } from '../address.js';
import type { Parsed } from '../diagnostic.js';
import type { Namespace, Node } from '../pod.js';
import { parseMetadata } from './metadata.js';
import { isMapping, Reader } from './reader.js';

export const namespaceNameLabel = 'kubernetes.io/metadata.name';

/** A v1 Namespace; the API server's immutable name label is always there, whatever the file says. */
export function parseNamespace(object: unknown): Parsed<Namespace> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const { name, uid, labels, annotations } = metadata;
  checkMode(reader, annotations);
  checkAudit(reader, annotations);
  return {
    ok: true,
    value: {
      name,
      ...(uid === undefined ? {} : { uid }),
      labels: { ...labels, [namespaceNameLabel]: name },
      annotations,
    },
    diagnostics: reader.diagnostics,
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
  const addresses = reader.list(status['addresses'], ['status', 'addresses']).flatMap((entry, index) => {
    const { type, address } = isMapping(entry) ? entry : {};
    if (type !== 'InternalIP' && type !== 'ExternalIP') return [];
    const parsed = typeof address === 'string' ? parseAddress(address) : undefined;
    if (parsed === undefined)
      reader.warning(
        'invalid-address',
        ['status', 'addresses', index, 'address'],
        `${JSON.stringify(address)} is not an IP address; it is left out`,
      );
    return parsed ?? [];
  });
  const listed = reader.list(spec['podCIDRs'], ['spec', 'podCIDRs']);
  const ranges = listed.length === 0 && typeof spec['podCIDR'] === 'string' ? [spec['podCIDR']] : listed;
  const podCidrs = ranges.flatMap((entry, index) => {
    const cidr = typeof entry === 'string' ? parseCidr(entry) : undefined;
    if (cidr === undefined)
      reader.error('invalid-cidr', ['spec', 'podCIDRs', index], `${JSON.stringify(entry)} is not a CIDR`);
    return cidr ?? [];
  });
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  return {
    ok: true,
    value: { name: metadata.name, labels: metadata.labels, addresses, podCidrs },
    diagnostics: reader.diagnostics,
  };
}
