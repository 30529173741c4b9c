import type { Parsed } from '../diagnostic.js';
import { protocols } from '../policy.js';
import type { Service, ServicePort } from '../service.js';
import { parseMetadata } from './metadata.js';
import { isMapping, Reader } from './reader.js';

/** A v1 Service, as far as a question needs it: which pods it stands for, and at which of their ports. */
export function parseService(object: unknown): Parsed<Service> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  const fields = isMapping(object) ? object : {};
  const spec = reader.mapping(fields['spec'], ['spec']) ?? {};
  const labels = reader.strings(spec['selector'], ['spec', 'selector']);
  const ports = reader
    .list(spec['ports'], ['spec', 'ports'])
    .flatMap((entry, index) => parsePort(reader, isMapping(entry) ? entry : {}, index) ?? []);
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const requirements = Object.entries(labels).map(([key, value]) => ({
    operator: 'In' as const,
    key,
    values: [value],
  }));
  const value: Service = {
    ref: { namespace: metadata.namespace ?? 'default', name: metadata.name },
    ...(requirements.length === 0 ? {} : { selector: { requirements } }),
    ports,
    headless: spec['clusterIP'] === 'None',
  };
  return { ok: true, value, diagnostics: reader.diagnostics };
}

function parsePort(reader: Reader, fields: Readonly<Record<string, unknown>>, index: number): ServicePort | undefined {
  const { port, targetPort = port, name = '', protocol: given = 'TCP' } = fields;
  const path = ['spec', 'ports', index];
  const protocol = protocols.find((one) => one === given);
  if (typeof port !== 'number') reader.error('wrong-type', [...path, 'port'], 'must be a number');
  else if (typeof targetPort !== 'number' && typeof targetPort !== 'string')
    reader.error('wrong-type', [...path, 'targetPort'], 'must be a number or a name');
  else if (protocol === undefined) reader.error('wrong-type', [...path, 'protocol'], 'must be TCP, UDP or SCTP');
  else return { name: String(name), protocol, port, target: targetPort };
  return undefined;
}
