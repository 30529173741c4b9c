/** Small programs, written by hand. */
import { parseAddress, parseCidr, type Address, type Cidr } from '../../src/model/address.js';
import { directions, type Direction } from '../../src/model/policy.js';
import type { Workload } from '../../src/model/workload.js';
import {
  open,
  ruleListId,
  type AllowRule,
  type Endpoint,
  type Group,
  type GroupId,
  type PeerMatch,
  type PolicyProgram,
  type PortMatch,
  type RuleList,
} from '../../src/program/types.js';

/** Of a pod, or of a workload in a program. */
export const address = (text: string): Address => parseAddress(text) ?? (text as Address);

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
}

export const anyone: PeerMatch = { kind: 'anyone' };
export const anyPort: PortMatch = { kind: 'anyPort' };
export const range = (first: number, last = first, protocol: 'TCP' | 'UDP' | 'SCTP' = 'TCP'): PortMatch => ({
  kind: 'union',
  of: [{ kind: 'range', index: 0, protocol, first, last }],
});
export const members = (...ids: readonly string[]): PeerMatch => ({
  kind: 'union',
  of: ids.map((id, index) => ({ kind: 'pods', index, of: id as GroupId })),
});
export const blocks = (...list: readonly (readonly [string, ...string[]])[]): PeerMatch => ({
  kind: 'union',
  of: list.map(([whole, ...except], index) => ({
    kind: 'addressBlock',
    index,
    cidr: cidr(whole),
    except: except.map(cidr),
  })),
});
export const listeners = (id: string, protocol: 'TCP' | 'UDP' = 'TCP'): PortMatch => ({
  kind: 'union',
  of: [{ kind: 'listeners', index: 0, protocol, of: id as GroupId }],
});

export const rule = (
  peers: PeerMatch,
  ports: PortMatch,
  { policy = 'p', index = 0 }: { readonly policy?: string; readonly index?: number } = {},
): AllowRule => ({
  peers,
  ports,
  origin: { policy: { kind: 'NetworkPolicy', namespace: 'x', name: policy }, direction: 'ingress', rule: index },
});

export interface IsolatedBy {
  readonly isolated: boolean;
  readonly rules: readonly AllowRule[];
}

export interface MadeEndpoint {
  readonly endpoint: Endpoint;
  readonly lists: readonly RuleList[];
}

/** A pod of node n1 that policy x/p isolates as given. */
export function endpoint(
  name: string,
  addresses: readonly Address[],
  isolations: Partial<Record<Direction, IsolatedBy | undefined>>,
): MadeEndpoint {
  const policy = { kind: 'NetworkPolicy', namespace: 'x', name: 'p' } as const;
  const lists = directions.flatMap((direction) => {
    const rules = isolations[direction]?.rules ?? [];
    const id = ruleListId({ ...policy, name }, direction);
    return rules.length === 0 ? [] : [{ id, policy, direction, rules }];
  });
  const isolationIn = (direction: Direction): Endpoint['ingress'] =>
    isolations[direction] === undefined
      ? open
      : {
          kind: 'isolated',
          by: [policy],
          allowedBy: lists.filter((list) => list.direction === direction).map(({ id }) => id),
        };
  return {
    lists,
    endpoint: {
      pod: { namespace: 'x', name },
      podUid: name,
      node: 'n1',
      addresses,
      ingress: isolationIn('ingress'),
      egress: isolationIn('egress'),
    },
  };
}

export const program = ({
  endpoints,
  groups = [],
  ...more
}: { readonly endpoints: readonly MadeEndpoint[]; readonly groups?: readonly Group[] } & Partial<
  Pick<PolicyProgram, 'nodes' | 'unknown'>
>): PolicyProgram => ({
  revision: 1,
  endpoints: new Map(endpoints.map(({ endpoint: one }) => [`x/${one.pod.name}`, one])),
  ruleLists: new Map(endpoints.flatMap(({ lists }) => lists.map((list) => [list.id, list]))),
  groups: new Map(groups.map((group) => [group.id, group])),
  nodes: new Map(),
  ...more,
});

export function workload(
  id: string,
  { pods = [], ports = [] }: Partial<Pick<Workload, 'pods' | 'ports'>> = {},
): Workload {
  const [namespace = '', kind = '', name = ''] = id.split('/');
  const addresses = pods.flatMap((pod) => pod.addresses);
  return { id, namespace, kind, name, labels: {}, ports, addresses, pods };
}
