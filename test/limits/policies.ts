/** Policies of a given size, parsed as the agent parses them. */
import { parseNetworkPolicy } from '../../src/model/parse.js';
import type { AnyPolicy } from '../../src/model/policy.js';

interface Named {
  readonly name?: string;
  readonly namespace?: string;
  /** RFC 3339. */
  readonly created?: string;
  readonly uid?: string;
}

export const everyPod = { podSelector: {} };

export function policyOf(spec: object, { name = 'p', namespace = 'shop', created, uid }: Named = {}): AnyPolicy {
  const metadata = { name, namespace, creationTimestamp: created, uid };
  const parsed = parseNetworkPolicy({ metadata, spec }, { strict: true });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.value;
}

/** `count` different addresses, as ipBlocks of one each. */
export const blocks = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({
    ipBlock: { cidr: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32` },
  }));

export const excepts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`);

export const withBlocks = (count: number): object => ({ ...everyPod, ingress: [{ from: blocks(count) }] });
