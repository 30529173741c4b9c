/** Fields of a record: its own keys, and short names that combine several of them. */
import { endpointRoles, isLoss, type EndpointRole } from '../record.js';
import type { RecordFields } from '../reading/line-reader.js';

/** Made once: making a key for every record costs more than finding it. */
const keysOf = (end: EndpointRole) =>
  ({
    address: `${end}.address`,
    namespace: `${end}.k8s.namespace.name`,
    pod: `${end}.k8s.pod.name`,
    workloadKind: `${end}.k8s.workload.kind`,
    workloadName: `${end}.k8s.workload.name`,
  }) as const;

const keys = { source: keysOf('source'), destination: keysOf('destination') } as const;

/** Packets of the record. */
export const packetsOf = (fields: RecordFields): number =>
  Number(fields.get('podwall.count') ?? 1) * Number(fields.get('podwall.sampled') ?? 1);

/** A scan has no one destination: how many it has. */
const destinationText = (fields: RecordFields, of: 'addresses' | 'ports'): string => {
  const count = fields.get(`podwall.scan.${of}`);
  return count === undefined ? '' : `${count} ${of}`;
};

/** `shop/web-1`; the address where the endpoint is no pod. */
export function podOf(fields: RecordFields, end: EndpointRole): string {
  const { address, namespace, pod } = keys[end];
  const name = fields.get(pod);
  return name === undefined
    ? String(fields.get(address) ?? destinationText(fields, 'addresses'))
    : `${fields.get(namespace) ?? ''}/${name}`;
}

/** `shop/Deployment/web`, as `reach` names it; a bare pod is its own workload. */
export function workloadOf(fields: RecordFields, end: EndpointRole): string {
  const { address, namespace, pod, workloadKind, workloadName } = keys[end];
  const space = fields.get(namespace);
  if (space === undefined) return String(fields.get(address) ?? destinationText(fields, 'addresses'));
  const kind = fields.get(workloadKind);
  if (kind === undefined) return `${space}/Pod/${fields.get(pod) ?? ''}`;
  return `${space}/${kind}/${fields.get(workloadName) ?? ''}`;
}

/** `8080/TCP`, or the protocol alone where it has no ports. */
export function portOf(fields: RecordFields): string {
  const transport = fields.get('network.transport');
  if (transport === undefined) return destinationText(fields, 'ports');
  const name = String(transport).toUpperCase();
  const port = fields.get('destination.port');
  return port === undefined ? name : `${port}/${name}`;
}

type Field = (fields: RecordFields) => string;

const ofKey =
  (key: string): Field =>
  (fields) =>
    String(fields.get(key) ?? '');

const perEnd = (end: EndpointRole, side: 'from' | 'to'): [string, Field][] => [
  [side, (fields) => workloadOf(fields, end)],
  [`${side}-pod`, (fields) => podOf(fields, end)],
  [`${side}-namespace`, ofKey(`${end}.k8s.namespace.name`)],
  [`${side}-ip`, ofKey(`${end}.address`)],
];

/** The short names; every other name is a key of the record. */
export const namedFields: ReadonlyMap<string, Field> = new Map([
  ...endpointRoles.flatMap((end) => perEnd(end, end === 'source' ? 'from' : 'to')),
  ['port', portOf],
  ['protocol', ofKey('network.transport')],
  ['direction', ofKey('network.direction')],
  // A dry run's packet met the opposite.
  [
    'verdict',
    (fields) => `${fields.get('podwall.mode') === 'dry-run' ? 'would ' : ''}${fields.get('podwall.verdict') ?? ''}`,
  ],
  ['reason', ofKey('podwall.reason')],
  ['mode', ofKey('podwall.mode')],
  ['policy', ofKey('security_rule.ruleset.name')],
  ['rule', ofKey('security_rule.name')],
  ['node', ofKey('k8s.node.name')],
]);

/** Undefined for a name that is neither a short name nor a key. */
export function fieldOf(name: string): Field | undefined {
  const named = namedFields.get(name);
  if (named !== undefined) return named;
  return name.includes('.') || name === '@timestamp' ? ofKey(name) : undefined;
}

/** A record is counted in the group of each of its values. */
export type Grouping = (fields: RecordFields) => string | readonly string[];

/** Whose rule decided; where none of them did, each policy that isolates. */
function decidingPolicies(fields: RecordFields): string | readonly string[] {
  const decider = String(fields.get('security_rule.ruleset.name') ?? '');
  if (decider === '' || fields.get('security_rule.name') !== undefined) return decider;
  const record = fields.record();
  const isolating = isLoss(record) ? [] : record['podwall.policies.isolating'];
  return isolating.length === 0 ? decider : isolating;
}

/** As {@link fieldOf}, for counting. */
export const groupingOf = (name: string): Grouping | undefined =>
  name === 'policy' ? decidingPolicies : fieldOf(name);
