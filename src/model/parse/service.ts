import { parseAddress } from '../address.js';
import type { Parsed } from '../diagnostic.js';
import type { Service, ServicePort } from '../service.js';
import { parseMetadata } from './metadata.js';
import { parseProtocol } from './protocol.js';
import { isMapping, Reader, type Placed } from './reader.js';

/** A v1 Service, as far as a question needs it: which pods it stands for, and at which of their ports. */
export function parseService(object: unknown): Parsed<Service> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  const fields = isMapping(object) ? object : {};
  const spec = reader.mapping(fields['spec'], ['spec']) ?? {};
  const labels = reader.strings(spec['selector'], ['spec', 'selector']);
  const ports = reader.mappings(spec['ports'], ['spec', 'ports']).flatMap((placed) => parsePort(reader, placed) ?? []);
  const address = reader.text(spec['clusterIP'], ['spec', 'clusterIP']);
  const addresses = [
    address ?? '',
    ...reader.texts(spec['clusterIPs'], ['spec', 'clusterIPs']),
    ...reader.texts(spec['externalIPs'], ['spec', 'externalIPs']),
    ...balancerAddresses(reader, fields['status']),
  ];
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
    headless: address === 'None',
    addresses: address === 'None' ? [] : [...new Set(addresses.flatMap((text) => parseAddress(text) ?? []))],
  };
  return { ok: true, value, diagnostics: reader.diagnostics };
}

function balancerAddresses(reader: Reader, value: unknown): readonly string[] {
  const path = ['status', 'loadBalancer'];
  const balancer = reader.mapping(reader.mapping(value, ['status'])?.['loadBalancer'], path) ?? {};
  return reader
    .mappings(balancer['ingress'], [...path, 'ingress'])
    .flatMap(({ fields, path: at }) => reader.text(fields['ip'], [...at, 'ip']) ?? []);
}

function parsePort(reader: Reader, { fields, path }: Placed): ServicePort | undefined {
  const name = reader.text(fields['name'], [...path, 'name']) ?? '';
  const port = reader.number(fields['port'], [...path, 'port']);
  const target = reader.numberOrName(fields['targetPort'], [...path, 'targetPort']) ?? port;
  const protocol = parseProtocol(reader, fields['protocol'], [...path, 'protocol']);
  if (fields['port'] === undefined || fields['port'] === null)
    reader.error('missing-port', [...path, 'port'], 'Required value');
  return port === undefined || target === undefined || protocol === undefined
    ? undefined
    : { name, protocol, port, target };
}
