/** Which rules let a pod ask the cluster's DNS. */
import type { WorkloadPod } from '../model/workload.js';
import { subtractCidrs } from '../addresses/cidr-sets.js';
import { cidrContains, cidrWithin, isSingleAddress, parseCidr, type Cidr } from '../model/address.js';
import { isEnforceable, isNodeLocalDns } from '../model/pod.js';
import type { Peer, PolicyRule, Port, Protocol } from '../model/policy.js';
import type { ValidPolicy } from './objects.js';
import type { LintInput } from './types.js';
import { podsOfPeer } from './queries.js';

export type DnsProtocol = Extract<Protocol, 'UDP' | 'TCP'>;

/** Pods that serve the cluster's DNS, by the labels that their installers give them. */
export const dnsServers = ({ workloads }: LintInput): readonly WorkloadPod[] =>
  workloads.filter(
    ({ pod }) =>
      isEnforceable(pod) &&
      (['kube-dns', 'coredns'].includes(pod.labels['k8s-app'] ?? '') ||
        pod.labels['app.kubernetes.io/name'] === 'coredns' ||
        'dns.operator.openshift.io/daemonset-dns' in pod.labels),
  );

/** A cache on every node is asked at the pod's own node, which needs no rule (SEMANTICS A7). */
export const hasNodeLocalDns = ({ workloads }: LintInput): boolean => workloads.some(({ pod }) => isNodeLocalDns(pod));

/** Whether a rule lets its pods ask one of the known servers. */
export function allowsKnownDns(
  input: LintInput,
  { policy }: ValidPolicy,
  { peers, ports }: PolicyRule,
  { servers, protocol }: { readonly servers: readonly WorkloadPod[]; readonly protocol: DnsProtocol },
): boolean {
  if (allowsNodeLocalDns({ peers, ports }, protocol)) return true;
  return servers.some((server) => {
    if (ports !== 'anyPort' && !ports.some((port) => coversPortOf(server, port, protocol))) return false;
    if (peers === 'anyone') return true;
    return peers.some((peer) =>
      peer.kind === 'pods'
        ? podsOfPeer(input, policy, peer).includes(server)
        : holdsServer(peer, server, input.podCidrs),
    );
  });
}

/** A cache on every node listens at a link-local address: who names it has thought of DNS. */
function allowsNodeLocalDns({ peers, ports }: PolicyRule, protocol: DnsProtocol): boolean {
  const isOpen = ports === 'anyPort' || ports.some((port) => isDnsPort(port, protocol));
  const isLinkLocal = (peer: Peer): boolean =>
    peer.kind === 'ipBlock' && isSingleAddress(peer.cidr) && linkLocal.some((range) => cidrWithin(peer.cidr, range));
  return isOpen && peers !== 'anyone' && peers.some(isLinkLocal);
}

const linkLocal = ['169.254.0.0/16', 'fe80::/10'].flatMap((text) => parseCidr(text) ?? []);

function coversPortOf({ pod }: WorkloadPod, port: Port, protocol: DnsProtocol): boolean {
  if (port.protocol !== protocol) return false;
  if (port.kind === 'all') return true;
  const own = pod.ports.filter((one) => one.protocol === protocol && one.name.startsWith('dns'));
  if (port.kind === 'named') return own.some(({ name }) => name === port.name);
  const numbers = own.length === 0 ? [53] : own.map((one) => one.port);
  return numbers.some((number) => port.first <= number && number <= port.last);
}

function holdsServer(block: Block, { pod }: WorkloadPod, podCidrs: readonly Cidr[]): boolean {
  if (pod.addresses.length === 0) return holdsAllPods(block, podCidrs);
  return pod.addresses.some(
    (address) => cidrContains(block.cidr, address) && !block.except.some((one) => cidrContains(one, address)),
  );
}

type Block = Extract<Peer, { kind: 'ipBlock' }>;

/** Where pods do not get addresses: excepting these leaves every pod in. */
const neverPods = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'].flatMap((text) => parseCidr(text) ?? []);

/** @param podCidrs none known: pods may have any address */
function holdsAllPods({ cidr, except }: Block, podCidrs: readonly Cidr[]): boolean {
  const ranges = podCidrs.filter(({ family }) => family === cidr.family);
  if (ranges.length === 0)
    return cidr.prefix === 0 && except.every((one) => neverPods.some((range) => cidrWithin(one, range)));
  const left = subtractCidrs(cidr, except);
  return ranges.every((range) => left.some((piece) => cidrWithin(range, piece)));
}

/** The same where the servers are not known: whether the rule may well be about DNS. */
export function mayAllowDns(
  { podCidrs }: LintInput,
  { policy }: ValidPolicy,
  rule: PolicyRule,
  protocol: DnsProtocol,
): boolean {
  const { peers, ports } = rule;
  const named = ports === 'anyPort' ? [] : ports.filter((port) => isDnsPort(port, protocol));
  if (ports !== 'anyPort' && named.length === 0) return false;
  if (peers === 'anyone') return true;
  // Who opens port 53 to a block has thought of DNS; a block that happens to be wide has not.
  const isMeant = named.some((port) => port.kind === 'named' || (port.kind === 'range' && port.first === port.last));
  return peers.some((peer) => {
    if (peer.kind === 'ipBlock') return isMeant || holdsAllPods(peer, podCidrs);
    return peer.namespaces !== 'own' || ['kube-system', 'openshift-dns'].includes(policy.ref.namespace);
  });
}

/** CoreDNS listens on 5353 in OpenShift, where the Service translates. */
const isDnsPort = (port: Port, protocol: DnsProtocol): boolean =>
  port.protocol === protocol &&
  (port.kind === 'all' ||
    (port.kind === 'named'
      ? port.name.startsWith('dns')
      : [53, 5353].some((number) => port.first <= number && number <= port.last)));
