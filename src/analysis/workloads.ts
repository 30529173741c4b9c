/** Pods of one owner as few endpoints as policies can tell apart. */
import { createHash } from 'node:crypto';
import { AddressOwners } from '../addresses/address-owners.js';
import type { Labels, LabelSelector } from '../model/labels.js';
import { isEnforceable, type ContainerPort } from '../model/pod.js';
import { ownerKey, type Workload, type WorkloadPod } from '../model/workload.js';
import type { AnyPolicy, Peer } from '../model/policy.js';

/** Labels that tell a controller's pods apart for the controller's own purposes. */
export const controllersOwn: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'pod-template-generation',
  'controller-revision-hash',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/controller-uid',
  'controller-uid',
  'batch.kubernetes.io/job-name',
  'job-name',
  'batch.kubernetes.io/job-completion-index',
]);

/** Host-network and finished pods are no endpoints of policies; an address is the newest live pod's. */
export function workloadsOf(pods: readonly WorkloadPod[], policies: readonly AnyPolicy[]): readonly Workload[] {
  const selected = keysIn(policies);
  const live = withOwnAddresses(pods.filter(({ pod }) => isEnforceable(pod)));
  const owners = new Map<string, Map<string, WorkloadPod[]>>();
  for (const one of live) {
    const id = ownerKey(one.owner);
    const groups = owners.get(id) ?? new Map<string, WorkloadPod[]>();
    owners.set(id, groups);
    const key = canonical(distinctiveLabels(one.pod.labels, selected), one.pod.ports);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [one]);
    else members.push(one);
  }
  const workloads = [...owners].flatMap(([id, groups]) =>
    [...groups].map(([key, members]) => makeWorkload(groups.size === 1 ? id : `${id}#${hashOf(key)}`, members)),
  );
  return workloads.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function withOwnAddresses(pods: readonly WorkloadPod[]): readonly WorkloadPod[] {
  const owners = new AddressOwners();
  for (const { pod } of pods) owners.replace(undefined, pod);
  return pods.map((one) => ({ ...one, pod: { ...one.pod, addresses: owners.addressesOf(one.pod) } }));
}

function makeWorkload(id: string, members: readonly WorkloadPod[]): Workload {
  const [first] = members;
  if (first === undefined) throw new Error(`${id} has no pods`);
  const { owner, pod } = first;
  const pods = members
    .filter(({ isTemplate }) => isTemplate !== true)
    .map((member) => ({ name: member.pod.ref.name, node: member.pod.node, addresses: member.pod.addresses }));
  const addresses = [...new Set(pods.flatMap((member) => member.addresses))];
  return { id, ...owner, labels: pod.labels, ports: pod.ports, addresses, pods };
}

const distinctiveLabels = (labels: Labels, selected: ReadonlySet<string>): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => selected.has(key) || !controllersOwn.has(key)));

/** `{labels, ports}` with keys and ports sorted. */
function canonical(labels: Labels, ports: readonly ContainerPort[]): string {
  const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);
  const texts = ports.map(({ name, protocol, port }) => JSON.stringify({ name, port, protocol })).sort();
  return `{"labels":${JSON.stringify(Object.fromEntries(Object.entries(labels).sort(byKey)))},"ports":[${texts.join()}]}`;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

function keysIn(policies: readonly AnyPolicy[]): ReadonlySet<string> {
  const keys = new Set<string>();
  const add = (selector: LabelSelector | 'wholeNamespace' | 'own'): void => {
    if (typeof selector !== 'string') for (const { key } of selector.requirements) keys.add(key);
  };
  const addPeer = (peer: Peer): void => {
    if (peer.kind === 'pods') add(peer.pods);
  };
  for (const policy of policies) {
    add(policy.appliesTo);
    if (policy.kind === 'broken') continue;
    for (const rule of [...(policy.ingress ?? []), ...(policy.egress ?? [])])
      if (rule.peers !== 'anyone') rule.peers.forEach(addPeer);
  }
  return keys;
}
