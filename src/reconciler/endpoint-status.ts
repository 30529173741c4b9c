import type { LinkBinding } from '../model/link-binding.js';
import { objectKey } from '../model/pod.js';
import type { Isolation, PolicyProgram } from '../program/types.js';
import type { EndpointStatus, IsolationStatus } from './types.js';

/** Every pod whose policies are enforced on this node, by name. */
export function endpointStatuses(
  { endpoints }: PolicyProgram,
  links: readonly LinkBinding[],
): readonly EndpointStatus[] {
  const devices = new Map(links.map(({ pod, podUid, device }) => [`${objectKey(pod)} ${podUid}`, device]));
  return [...endpoints.values()]
    .filter(({ link }) => link === undefined)
    .map((endpoint): EndpointStatus => {
      const device = devices.get(`${objectKey(endpoint.pod)} ${endpoint.podUid}`);
      return {
        ...endpoint.pod,
        addresses: endpoint.addresses,
        ingress: isolationStatus(endpoint.ingress),
        egress: isolationStatus(endpoint.egress),
        ...(device === undefined ? {} : { device }),
      };
    })
    .sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
}

const isolationStatus = (isolation: Isolation): IsolationStatus => ({
  isolated: isolation.kind === 'isolated',
  by: isolation.kind === 'open' ? [] : isolation.by.map((ref) => `${ref.namespace}/${ref.name}`),
});
