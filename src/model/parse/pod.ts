import { parseAddress, type Address } from '../address.js';
import { controllerOf, workloadOf } from '../controller.js';
import type { Parsed } from '../diagnostic.js';
import type { ContainerPort, Pod, PodPhase } from '../pod.js';
import { checkOwners, parseMetadata } from './metadata.js';
import { parseProtocol } from './protocol.js';
import { isMapping, Reader, type Fields, type Path, type Placed } from './reader.js';

const phases: readonly PodPhase[] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

export interface PodOptions {
  /**
   * Also the ports that no policy can name: those without a name, and those that only a probe names. The agent needs
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
  const phase = reader.text(status['phase'], ['status', 'phase']);
  const addresses = parseAddresses(reader, status, 'podIP');
  const hostAddresses = parseAddresses(reader, status, 'hostIP');
  const containers = [
    ...reader.mappings(spec['containers'], ['spec', 'containers']),
    // Sidecars run for the pod's life; other init containers are gone when anyone could call them.
    ...reader
      .mappings(spec['initContainers'], ['spec', 'initContainers'])
      .filter(({ fields, path }) => reader.text(fields['restartPolicy'], [...path, 'restartPolicy']) === 'Always'),
  ];
  const declared = containers.flatMap((container) => parseContainerPorts(reader, container));
  const ports = unnamedPorts
    ? [...declared, ...containers.flatMap((container) => probedPorts(reader, container))]
    : declared.filter(({ name }) => name !== '');
  if (metadata !== undefined) checkOwners(reader, fields['metadata'] as Fields, ['metadata']);
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const controller = controllerOf(fields['metadata'] as Fields);
  const ref = { namespace: metadata.namespace ?? 'default', name: metadata.name };
  const pod: Pod = {
    ref,
    uid: metadata.uid ?? `${ref.namespace}/${ref.name}`,
    labels: metadata.labels,
    addresses,
    ...(hostAddresses.length === 0 ? {} : { hostAddresses }),
    ports,
    node,
    hostNetwork,
    phase: phases.find((one) => one === phase) ?? 'Pending',
    deleting: metadata.deleting,
    created: metadata.created,
    ...(controller === undefined ? {} : { workload: workloadOf(controller) }),
  };
  return { ok: true, value: pod, diagnostics: reader.diagnostics };
}

/** `podIPs`, or `podIP` where a server has no more than that; likewise `hostIPs`. */
function parseAddresses(reader: Reader, status: Fields, name: 'podIP' | 'hostIP'): readonly Address[] {
  const listed = reader
    .mappings(status[`${name}s`], ['status', `${name}s`])
    .map(({ fields, path }) => ({ text: reader.text(fields['ip'], [...path, 'ip']), path: [...path, 'ip'] as Path }));
  const single = reader.text(status[name], ['status', name]) ?? '';
  if (listed.length === 0 && single !== '') listed.push({ text: single, path: ['status', name] });
  const addresses = listed.map(({ text = '', path }) => {
    const address = parseAddress(text);
    if (address === undefined)
      reader.warning('invalid-address', path, `${JSON.stringify(text)} is not an IP address; it is ignored`);
    return address;
  });
  // Sliced: a spread set keeps room for more, in every pod of the cluster.
  return [...new Set(addresses.filter((address) => address !== undefined))].slice();
}

const parseContainerPorts = (reader: Reader, container: Placed): readonly ContainerPort[] =>
  reader.mappings(container.fields['ports'], [...container.path, 'ports']).flatMap(({ fields, path }) => {
    const name = reader.text(fields['name'], [...path, 'name']) ?? '';
    const port = reader.number(fields['containerPort'], [...path, 'containerPort']);
    const protocol = parseProtocol(reader, fields['protocol'], [...path, 'protocol']);
    return protocol === undefined || port === undefined ? [] : [{ name, protocol, port }];
  });

/** Somebody listens where a probe knocks; all of httpGet, tcpSocket and grpc are TCP. */
const probedPorts = (reader: Reader, container: Placed): readonly ContainerPort[] =>
  ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((name) => {
    const at = [...container.path, name];
    const probe = reader.mapping(container.fields[name], at) ?? {};
    return ['httpGet', 'tcpSocket', 'grpc'].flatMap((kind) => {
      const fields = reader.mapping(probe[kind], [...at, kind]) ?? {};
      const path = [...at, kind, 'port'];
      const port = kind === 'grpc' ? reader.number(fields['port'], path) : reader.numberOrName(fields['port'], path);
      return typeof port === 'number' ? [{ name: '', protocol: 'TCP' as const, port }] : [];
    });
  });
