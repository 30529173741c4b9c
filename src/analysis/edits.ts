/** The smallest change of a policy that lets a connection through. */
import { cidrsOf } from '../addresses/address-ranges.js';
import { bitsOf, familyOf, formatCidr, wholeFamily, type Cidr } from '../model/address.js';
import type { Labels } from '../model/labels.js';
import type { NetworkPolicy, Peer, PolicyRule, Port } from '../model/policy.js';
import { addressesOf, type FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { nearestMiss, type Approach, type NearMiss } from './near-misses.js';

/** What is added to a list of the policy. */
export interface Edit {
  readonly policy: NetworkPolicy['ref'];
  /** The list, from the policy's root. */
  readonly path: readonly (string | number)[];
  /** In the API's form. */
  readonly add: readonly object[];
  /** The policy as it then is. */
  readonly after: NetworkPolicy;
}

/** Undefined for a peer that no rule could name. */
export function smallestEdit(policies: readonly NetworkPolicy[], approach: Approach): Edit | undefined {
  const edits = policies.map((policy) => {
    const miss = nearestMiss(policy, approach);
    return { edit: editOf(policy, miss, approach), size: sizeOf(miss), distance: miss?.mismatches.length ?? Infinity };
  });
  const [best] = edits.sort((a, b) => a.size - b.size || a.distance - b.distance);
  return best?.edit;
}

/** One entry where peer or port matches already, else a rule. */
const sizeOf = (miss: NearMiss | undefined): number =>
  miss?.peerMatches === true || miss?.portMatches === true ? 1 : 2;

function editOf(policy: NetworkPolicy, miss: NearMiss | undefined, approach: Approach): Edit | undefined {
  const { direction } = approach;
  const rules = policy[direction] ?? [];
  const rule = miss === undefined ? undefined : rules[miss.rule];
  const peers = peersFor(policy, approach.peer);
  if (peers.length === 0) return undefined;
  const field = direction === 'ingress' ? 'from' : 'to';
  const port = approach.port === undefined ? undefined : portFor(approach.port);
  const change = (path: Edit['path'], add: readonly object[], after: readonly PolicyRule[]): Edit => ({
    policy: policy.ref,
    path: ['spec', direction, ...path],
    add,
    after: { ...policy, [direction]: after },
  });
  if (miss !== undefined && rule !== undefined) {
    const replaced = (next: PolicyRule): readonly PolicyRule[] => rules.with(miss.rule, next);
    if (miss.peerMatches && rule.ports !== 'anyPort' && port !== undefined)
      return change([miss.rule, 'ports'], [port.yaml], replaced({ ...rule, ports: [...rule.ports, port.model] }));
    if (miss.portMatches && rule.peers !== 'anyone') {
      const next = { ...rule, peers: [...rule.peers, ...peers.map(({ model }) => model)] };
      return change(
        [miss.rule, field],
        peers.map(({ yaml }) => yaml),
        replaced(next),
      );
    }
  }
  const added: PolicyRule = {
    peers: peers.map(({ model }) => model),
    ports: port === undefined ? 'anyPort' : [port.model],
  };
  const yaml = {
    [field]: peers.map((one) => one.yaml),
    ...(port === undefined ? {} : { ports: [port.yaml] }),
  };
  return change([], [yaml], [...rules, added]);
}

interface Both<T> {
  readonly model: T;
  readonly yaml: object;
}

const portFor = ({ protocol, number }: NonNullable<Approach['port']>): Both<Port> => ({
  model: { kind: 'range', protocol, first: number, last: number },
  yaml: { ...(protocol === 'TCP' ? {} : { protocol }), port: number },
});

function peersFor(policy: NetworkPolicy, endpoint: FlowEndpoint): readonly Both<Peer>[] {
  if (endpoint.kind === 'address') return blocksFor(endpoint).map(blockPeer);
  const { namespace, labels } = endpoint.workload;
  const matchLabels = distinctiveLabels(labels);
  const pods = selectorOf(matchLabels);
  const podSelector = Object.keys(matchLabels).length === 0 ? {} : { matchLabels };
  if (namespace === policy.ref.namespace)
    return [{ model: { kind: 'pods', namespaces: 'own', pods }, yaml: { podSelector } }];
  const space = { 'kubernetes.io/metadata.name': namespace };
  return [
    {
      model: { kind: 'pods', namespaces: selectorOf(space), pods },
      yaml: { namespaceSelector: { matchLabels: space }, podSelector },
    },
  ];
}

const blockPeer = (cidr: Cidr): Both<Peer> => ({
  model: { kind: 'ipBlock', cidr, except: [] },
  yaml: { ipBlock: { cidr: formatCidr(cidr) } },
});

const mostBlocks = 4;

/** A range in few blocks, or else the whole family. */
function blocksFor(endpoint: Extract<FlowEndpoint, { kind: 'address' }>): readonly Cidr[] {
  const [address = endpoint.address] = addressesOf(endpoint);
  const family = familyOf(address);
  if (endpoint.range === undefined) return [{ family, address, prefix: bitsOf(family) }];
  const blocks = cidrsOf(endpoint.range, family);
  if (blocks.length <= mostBlocks) return blocks;
  return [wholeFamily(family)];
}

const selectorOf = (
  labels: Labels,
): { readonly requirements: readonly { operator: 'In'; key: string; values: readonly string[] }[] } => ({
  requirements: Object.entries(labels).map(([key, value]) => ({ operator: 'In', key, values: [value] })),
});

/** How people usually name an application; all labels, where none of these is there. */
const usual = ['app.kubernetes.io/name', 'app', 'k8s-app', 'name'];

function distinctiveLabels(labels: Labels): Labels {
  const key = usual.find((one) => labels[one] !== undefined);
  return key === undefined ? labels : { [key]: labels[key] ?? '' };
}
