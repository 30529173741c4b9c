import type { Diagnostic } from '../diagnostic.js';
import {
  checkChoice,
  checkCount,
  checkNumber,
  checkOneOf,
  hasField,
  otherPeers,
  outOfBounds,
  podPeers,
  protocolFields,
  versions,
  type Context,
} from './cluster-network-policy-fields.js';
import { checkOuterFields, parseMetadata } from './metadata.js';
import { withPlaceholders } from './placeholders.js';
import type { ParseOptions } from './network-policy.js';
import { isMapping, Reader, type Fields, type Path } from './reader.js';

export const clusterNetworkPolicyGroup = 'policy.networking.k8s.io';

/**
 * What is wrong with a ClusterNetworkPolicy of policy.networking.k8s.io: by the CRD's schema, and what its documentation
 * forbids beyond it (SEMANTICS B2). Undefined for a version that has none.
 */
export function checkClusterNetworkPolicy(object: Fields, { strict }: ParseOptions): readonly Diagnostic[] | undefined {
  const version = versions.find((one) => object['apiVersion'] === `${clusterNetworkPolicyGroup}/${one}`);
  if (version === undefined) return undefined;
  const reader = new Reader();
  const context: Context = { reader, version, unknown: strict ? 'error' : 'warning' };
  parseMetadata(reader, object);
  checkOuterFields(reader, object, { strict });
  const spec = reader.mapping(object['spec'], ['spec']) ?? {};
  reader.unknownFields(spec, ['tier', 'priority', 'subject', 'ingress', 'egress'], ['spec'], context.unknown);
  checkChoice(context, spec['tier'], ['spec', 'tier'], ['Admin', 'Baseline']);
  checkNumber(context, spec['priority'], ['spec', 'priority'], { from: 0, to: 1000 });
  checkOneOf(context, spec['subject'], ['spec', 'subject'], podPeers);
  for (const [direction, peers] of [['ingress', 'from'] as const, ['egress', 'to'] as const]) {
    const path = ['spec', direction];
    const rules = reader.list(spec[direction], path);
    checkCount(context, rules, path);
    for (const [index, rule] of rules.entries()) checkRule(context, rule, [...path, index], peers);
  }
  return withPlaceholders(object, reader.diagnostics);
}

function checkRule(context: Context, value: unknown, path: Path, peersKey: 'from' | 'to'): void {
  const { reader } = context;
  const rule = reader.mapping(value, path) ?? {};
  reader.unknownFields(rule, ['name', 'action', peersKey, 'protocols'], path, context.unknown);
  const name = reader.text(rule['name'], [...path, 'name']) ?? '';
  if (name.length > 100) outOfBounds(context, [...path, 'name'], 'must be no more than 100 characters');
  checkChoice(context, rule['action'], [...path, 'action'], ['Accept', 'Deny', 'Pass']);
  const peers = reader.list(rule[peersKey], [...path, peersKey]);
  checkCount(context, peers, [...path, peersKey], 'required');
  for (const [index, peer] of peers.entries()) {
    const at = [...path, peersKey, index];
    if (peersKey === 'to') checkOneOf(context, peer, at, { ...podPeers, ...otherPeers });
    else checkIngressPeer(context, peer, at);
    if (hasField(peer, 'domainNames') && rule['action'] !== 'Accept')
      reader.error(
        'invalid-domain-name',
        [...at, 'domainNames'],
        'domain names are only allowed in rules whose action is Accept',
      );
  }
  checkProtocols(context, rule, path, peers);
}

function checkIngressPeer(context: Context, peer: unknown, path: Path): void {
  const misplaced = Object.keys(otherPeers).find((one) => hasField(peer, one));
  if (misplaced === undefined) checkOneOf(context, peer, path, podPeers);
  else outOfBounds(context, path, `\`${misplaced}\` is only allowed for egress: an ingress peer must select pods`);
}

function checkProtocols(context: Context, rule: Fields, path: Path, peers: readonly unknown[]): void {
  const { reader } = context;
  if ((rule['protocols'] ?? undefined) === undefined) return;
  const at = [...path, 'protocols'];
  const protocols = reader.list(rule['protocols'], at);
  checkCount(context, protocols, at, 'required');
  const withoutPods = Object.keys(otherPeers).find((one) => peers.some((peer) => hasField(peer, one)));
  for (const [index, protocol] of protocols.entries()) {
    checkOneOf(context, protocol, [...at, index], protocolFields);
    if (withoutPods !== undefined && hasField(protocol, 'destinationNamedPort'))
      reader.error(
        'named-port-without-pods',
        [...at, index, 'destinationNamedPort'],
        `\`${withoutPods}\` is a peer of this rule, and it has no named ports`,
      );
  }
}

/** The object as a mapping of group `policy.networking.k8s.io`; other projects have kinds of the same name. */
export const isClusterNetworkPolicy = (object: unknown): object is Fields =>
  isMapping(object) &&
  object['kind'] === 'ClusterNetworkPolicy' &&
  String(object['apiVersion']).startsWith(`${clusterNetworkPolicyGroup}/`);
