import { parseAddress, type Address } from '../address.js';
import { controllerOf, workloadOf } from '../controller.js';
import type { Parsed } from '../diagnostic.js';
import type { ContainerPort, Pod, PodPhase } from '../pod.js';
import { protocols } from '../policy.js';
import { parseMetadata } from './metadata.js';
import { isMapping, Reader, type Fields, type Path } from './reader.js';

const phases: readonly PodPhase[] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

/** A v1 Pod, as far as policies need it (SEMANTICS A6, A8). */
export function parsePod(object: unknown): Parsed<Pod> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  const fields = isMapping(object) ? object : {};
  const spec = reader.mapping(fields['spec'], ['spec']) ?? {};
  const status = reader.mapping(fields['status'], ['status']) ?? {};
  const node = reader.text(spec['nodeName'], ['spec', 'nodeName']) ?? '';
  const hostNetwork = reader.flag(spec['hostNetwork'], ['spec', 'hostNetwork']);
  const addresses = parsePodAddresses(reader, status);
  const ports = [
    ...parseContainerPorts(reader, spec['containers'], ['spec', 'containers'], () => true),
    // Sidecars run for the pod's life; other init containers are gone when anyone could call them.
    ...parseContainerPorts(
      reader,
      spec['initContainers'],
      ['spec', 'initContainers'],
      (one) => one['restartPolicy'] === 'Always',
    ),
  ];
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const controller = controllerOf(fields['metadata'] as Fields);
  const ref = { namespace: metadata.namespace ?? 'default', name: metadata.name };
  const pod: Pod = {
    ref,
    uid: metadata.uid ?? `${ref.namespace}/${ref.name}`,
    labels: metadata.labels,
    addresses,
    ports,
    node,
    hostNetwork,
    phase: phases.find((phase) => phase === status['phase']) ?? 'Pending',
    deleting: metadata.deleting,
    created: metadata.created,
    ...(controller === undefined ? {} : { workload: workloadOf(controller) }),
  };
  return { ok: true, value: pod, diagnostics: reader.diagnostics };
}

function parsePodAddresses(reader: Reader, status: Fields): readonly Address[] {
  const listed = reader.list(status['podIPs'], ['status', 'podIPs']).map((entry, index) => ({
    text: isMapping(entry) ? entry['ip'] : entry,
    path: ['status', 'podIPs', index, 'ip'] as Path,
  }));
  const single = status['podIP'];
  if (listed.length === 0 && typeof single === 'string' && single !== '')
    listed.push({ text: single, path: ['status', 'podIP'] });
  const addresses = listed.map(({ text, path }) => {
    const address = typeof text === 'string' ? parseAddress(text) : undefined;
    if (address === undefined)
      reader.warning('invalid-address', path, `${JSON.stringify(text)} is not an IP address; it is left out`);
    return address;
  });
  return [...new Set(addresses.filter((address) => address !== undefined))];
}

function parseContainerPorts(
  reader: Reader,
  value: unknown,
  path: Path,
  counts: (container: Fields) => boolean,
): ContainerPort[] {
  return reader.list(value, path).flatMap((container, index) => {
    const fields = reader.mapping(container, [...path, index]);
    if (fields === undefined || !counts(fields)) return [];
    return reader.list(fields['ports'], [...path, index, 'ports']).flatMap((entry) => {
      const port = isMapping(entry) ? entry : {};
      const protocol = protocols.find((name) => name === (port['protocol'] ?? 'TCP'));
      const { name, containerPort } = port;
      if (protocol === undefined || typeof name !== 'string' || name === '' || typeof containerPort !== 'number')
        return [];
      return [{ name, protocol, port: containerPort }];
    });
  });
}
