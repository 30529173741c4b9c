/** What the chains of a guard are made of. */
import type { Attachment } from '../../model/attachment.js';
import { addressToNumber, familyOf, numberToAddress, type Address, type Family } from '../../model/address.js';
import { objectKey } from '../../model/pod.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import { commentOf } from '../language/comment-text.js';
import { addressBits, anyOf, count, limit } from '../language/expressions.js';
import type { Expression, Hook, Rule, Statement } from '../language/types.js';
import { counters } from '../names/counters.js';
import { logTo, type AuditRules } from './log-rules.js';

type GuardPoint = 'guard' | 'bridge';

/** Before anything else on the device. */
const priority = -500;
export const hookOn = (device: string, hook: 'ingress' | 'egress', mode: PolicyMode = 'enforce'): Hook => ({
  type: 'filter',
  hook,
  priority,
  policy: mode === 'dry-run' ? 'accept' : 'drop',
  device,
});

/** Of all guards: IP packets that were (or would be) dropped, and of them those that were logged. */
export const dropped = (at: GuardPoint, mode: PolicyMode): string =>
  counters.nameOf({ kind: mode === 'enforce' ? 'guard-drop' : 'guard-to-report', at });
export const logged = (at: GuardPoint, mode: PolicyMode): string =>
  counters.nameOf({ kind: mode === 'enforce' ? 'guard-logged' : 'guard-logged-report', at });

interface Denied {
  readonly audit?: AuditRules;
  readonly mode?: PolicyMode;
  readonly chain: string;
  readonly at: GuardPoint;
}

/** Each chain has a limit of its own: it is one pod's. */
export function logRules({ chain, at, audit, mode = 'enforce' }: Denied, ...which: readonly Statement[]): Rule[] {
  if (audit === undefined) return [];
  const { pairRate, pairBurst } = audit;
  return [
    rule([...which, count(dropped(at, mode))]),
    rule([...which, limit(pairRate, pairBurst), count(logged(at, mode)), logTo(chain, 'packet', audit)]),
  ];
}

export const rule = (statements: readonly Statement[], comment?: string): Rule => ({
  statements,
  ...(comment === undefined ? {} : { comment: commentOf(comment) }),
});

export const ownAddress = ({ pod }: Pick<Attachment, 'pod'>): string => `${objectKey(pod)}: own address`;

export const own = (addresses: readonly Address[], family: Family): readonly Address[] =>
  addresses.filter((address) => familyOf(address) === family);

/** As nft lists the members of a set: by value, each once. */
export const sorted = (addresses: readonly Address[]): Address[] => [...new Set(addresses)].sort(byNumber);

export const oneOfAddresses = (field: Expression, addresses: readonly Address[]): Statement =>
  anyOf(field, sorted(addresses));

/** The same of bits that nft does not know as an address. */
export const oneOfNumbers = (field: Expression, addresses: readonly Address[]): Statement =>
  anyOf(field, sorted(addresses).map(addressBits));

const byNumber = (a: Address, b: Address): number => {
  const difference = addressToNumber(a) - addressToNumber(b);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
};

/** 48 bits as a number. @param hardware as iproute2 prints it: six bytes in hexadecimal, with colons */
export const hardwareNumber = (hardware: string): number => Number(`0x${hardware.replaceAll(':', '')}`);

/** What a device makes of its hardware address (RFC 4291, appendix A). */
export function linkLocalOf(hardware: string): Address {
  const flipped = BigInt(hardwareNumber(hardware)) ^ (2n << 40n);
  const [high, low] = [flipped >> 24n, flipped & 0xff_ff_ffn];
  return numberToAddress((0xfe80n << 112n) | (high << 40n) | (0xff_fen << 24n) | low, 'IPv6');
}

export const linkLocal = { prefix: { addr: 'fe80::', len: 10 } };
export const packetType: Expression = { meta: { key: 'pkttype' } };
export const metaProtocol: Expression = { meta: { key: 'protocol' } };
/** Bytes: behind the Ethernet header where a device receives, with it where it sends. */
export const packetLength: Expression = { meta: { key: 'length' } };
export const icmp6Type: Expression = { payload: { protocol: 'icmpv6', field: 'type' } };
