import type { Attachment } from '../model/attachment.js';
import { objectKey } from '../model/pod.js';
import type { Isolation, PolicyProgram } from '../program/types.js';
import type { EndpointStatus, IsolationStatus } from './types.js';

/** Every pod whose policies are enforced on this node, by name. */
export function endpointStatuses(
  { endpoints }: PolicyProgram,
  attachments: readonly Attachment[],
): readonly EndpointStatus[] {
  const devices = new Map(attachments.map((attachment) => [objectKey(attachment.pod), attachment.device]));
  return [...endpoints.values()]
    .map((endpoint): EndpointStatus => {
      const device = devices.get(objectKey(endpoint.pod));
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
