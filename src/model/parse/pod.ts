import { parseAddress, type Address } from '../address.js';
import { controllerOf, workloadOf } from '../controller.js';
import type { Parsed } from '../diagnostic.js';
import type { ContainerPort, Pod, PodPhase } from '../pod.js';
import { protocols } from '../policy.js';
import { parseMetadata } from './metadata.js';
import { isMapping, Reader, type Fields, type Path } from './reader.js';

const phases: readonly PodPhase[] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

export interface PodOptions {
  /**
   * Also the ports that no policy can name: those without a name, and those that only a probe tells of. The agent needs
   * none of them, and there are many.
   */
  readonly unnamedPorts?: boolean;
}

/** A v1 Pod, as far as policies need it (SEMANTICS A6, A8). */
export function parsePod(object: unknown, { unnamedPorts = false }: PodOptions = {}): Parsed<Pod> {
  const reader = new Reader();
  const metadata = parseMetadata(reader, object);
  const fields = isMapping(object) ? object : {};
  const spec = reader.mapping(fields['spec'], ['spec']) ?? {};
  const status = reader.mapping(fields['status'], ['status']) ?? {};
  const node = reader.text(spec['nodeName'], ['spec', 'nodeName']) ?? '';
  const hostNetwork = reader.flag(spec['hostNetwork'], ['spec', 'hostNetwork']);
  const addresses = parsePodAddresses(reader, status);
  const containers = [
    ...parseContainers(reader, spec['containers'], ['spec', 'containers']),
    // Sidecars run for the pod's life; other init containers are gone when anyone could call them.
    ...parseContainers(reader, spec['initContainers'], ['spec', 'initContainers']).filter(
      ({ fields }) => fields['restartPolicy'] === 'Always',
    ),
  ];
  const declared = containers.flatMap((container) => parseContainerPorts(reader, container));
  const ports = unnamedPorts
    ? [...declared, ...containers.flatMap(({ fields }) => probedPorts(fields))]
    : declared.filter(({ name }) => name !== '');
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
  // Sliced: a spread set keeps room for more, in every pod of the cluster.
  return [...new Set(addresses.filter((address) => address !== undefined))].slice();
}

interface Container {
  readonly fields: Fields;
  readonly path: Path;
}

const parseContainers = (reader: Reader, value: unknown, path: Path): Container[] =>
  reader.list(value, path).flatMap((container, index) => {
    const fields = reader.mapping(container, [...path, index]);
    return fields === undefined ? [] : [{ fields, path: [...path, index] }];
  });

const parseContainerPorts = (reader: Reader, { fields, path }: Container): ContainerPort[] =>
  reader.list(fields['ports'], [...path, 'ports']).flatMap((entry) => {
    const port = isMapping(entry) ? entry : {};
    const protocol = protocols.find((name) => name === (port['protocol'] ?? 'TCP'));
    const { name = '', containerPort } = port;
    if (protocol === undefined || typeof name !== 'string' || typeof containerPort !== 'number') return [];
    return [{ name, protocol, port: containerPort }];
  });

/** Somebody listens where a probe knocks; all of httpGet, tcpSocket and grpc are TCP. */
const probedPorts = (container: Fields): ContainerPort[] =>
  ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((name) => {
    const probe = isMapping(container[name]) ? container[name] : {};
    return ['httpGet', 'tcpSocket', 'grpc'].flatMap((kind) => {
      const port = isMapping(probe[kind]) ? probe[kind]['port'] : undefined;
      return typeof port === 'number' ? [{ name: '', protocol: 'TCP' as const, port }] : [];
    });
  });
