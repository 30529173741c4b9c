/** Flows of the audit log as policies see them: by what the snapshots beside it say of their pods at that time. */
import type { RecordFields } from '../audit/reading/line-reader.js';
import type { ContentId, PodIdentity } from '../audit/snapshots/content-id.js';
import type { EndpointRole, EventRecord } from '../audit/record.js';
import type { DryRunScope } from '../model/policy-mode.js';
import { familyOf, parseAddress, type Address, type Family } from '../model/address.js';
import { protocols, type Direction, type Protocol } from '../model/policy.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';

export interface RecordedFlow {
  /** The direction that was evaluated. */
  readonly direction: Direction;
  readonly source: RecordedEndpoint;
  readonly destination: RecordedEndpoint;
  readonly family: Family;
  /** Absent for what has no ports that a policy can name. */
  readonly port?: { readonly protocol: Protocol; readonly number: number };
}

export type RecordedEndpoint =
  | { readonly kind: 'pod'; readonly id: ContentId; readonly title: string; readonly identity: PodIdentity }
  | { readonly kind: 'address'; readonly address: Address; readonly title?: string };

/** What a dry run would have done is asked of the policies in it, too. */
export const dryRunOf = (event: Pick<EventRecord, 'podwall.mode'>): DryRunScope =>
  event['podwall.mode'] === 'dry-run' ? 'none' : 'annotated';

/** Undefined when it is not known what the source or the destination was: then nobody can evaluate the flow. */
export function recordedFlow(
  fields: RecordFields,
  identityOf: (id: ContentId) => PodIdentity | undefined,
): RecordedFlow | undefined {
  const source = recordedEndpoint(fields, 'source', identityOf);
  const destination = recordedEndpoint(fields, 'destination', identityOf);
  const address = parseAddress(String(fields.get('destination.address')));
  if (source === undefined || destination === undefined || address === undefined) return undefined;
  const transport = String(fields.get('network.transport')).toUpperCase();
  const protocol = protocols.find((one) => one === transport);
  const number = Number(fields.get('destination.port'));
  return {
    direction: fields.get('network.direction') === 'egress' ? 'egress' : 'ingress',
    source,
    destination,
    family: familyOf(address),
    ...(protocol === undefined ? {} : { port: { protocol, number } }),
  };
}

function recordedEndpoint(
  fields: RecordFields,
  role: EndpointRole,
  identityOf: (id: ContentId) => PodIdentity | undefined,
): RecordedEndpoint | undefined {
  const kind = fields.get(`${role}.podwall.class`);
  const address = parseAddress(String(fields.get(`${role}.address`)));
  if (kind === 'unknown' || address === undefined) return undefined;
  if (kind === 'node') return { kind: 'address', address, title: `${address} (node)` };
  if (kind !== 'pod') return { kind: 'address', address };
  const id = fields.get(`${role}.podwall.identity`);
  const identity = typeof id === 'string' ? identityOf(id) : undefined;
  if (typeof id !== 'string' || identity === undefined) return undefined;
  const name = fields.get(`${role}.k8s.pod.name`) ?? address;
  return { kind: 'pod', id, title: `${identity.namespace}/Pod/${name}`, identity };
}

/** @param id another one for each endpoint of a question */
export function flowEndpointOf(recorded: RecordedEndpoint, id: string): FlowEndpoint {
  if (recorded.kind === 'address') return recorded;
  const { labels, ports, addresses, namespace } = recorded.identity;
  const [, kind = '', name = ''] = recorded.title.split('/');
  const pod = { name, node: '', addresses };
  return { kind: 'workload', workload: { id, namespace, kind, name, labels, ports, addresses, pods: [pod] }, pod };
}
