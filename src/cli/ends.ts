/** Ends of a connection as people write them. */
import type { End } from '../analysis/judge.js';
import type { Workload } from '../analysis/workloads.js';
import { parseAddress, type Address } from '../model/address.js';
import { protocols, type Protocol } from '../model/policy.js';
import { UsageError } from './exit-codes.js';

export const nameOf = (end: End): string => (end.kind === 'workload' ? end.workload.id : end.address);

export interface NumberedPort {
  readonly protocol: Protocol;
  readonly number: number;
}

/** `8080`, `http`, `53/UDP`; a name is a port of the destination. */
export function portNamed(text: string, to: End): NumberedPort {
  const [name = '', suffix = 'TCP'] = text.split('/');
  const protocol = protocols.find((one) => one === suffix.toUpperCase());
  if (protocol === undefined) throw new UsageError(`${suffix} is no protocol: TCP, UDP or SCTP`);
  if (/^\d+$/.test(name) && Number(name) >= 1 && Number(name) <= 65_535) return { protocol, number: Number(name) };
  const named =
    to.kind === 'workload'
      ? to.workload.ports.find((one) => one.name === name && one.protocol === protocol)
      : undefined;
  if (named === undefined) throw new UsageError(`${nameOf(to)} has no ${protocol} port named ${name}`);
  return { protocol, number: named.port };
}

/** Addresses of every family that no private range holds: what the world outside looks like. */
const internet: readonly Address[] = ['198.51.100.1', '2001:db8::1'].map((text) => text as Address);

/** Every end that the name stands for: several where policies tell a workload's pods apart, one a family for `internet`. */
export function endsNamed(text: string, workloads: readonly Workload[], namespace: string | undefined): readonly End[] {
  if (text === 'internet') return internet.map((address) => ({ kind: 'address', address }));
  const address = parseAddress(text);
  if (address !== undefined) {
    const holder = workloads.filter((workload) => workload.addresses.includes(address));
    return holder.length === 0 ? [{ kind: 'address', address }] : holder.map(asEnd);
  }
  const found = workloads.filter((workload) => isNamed(workload, text, namespace));
  const owners = [...new Set(found.map(({ id }) => id.split('#')[0] ?? ''))];
  if (owners.length > 1) throw new UsageError(`${text} is ambiguous: ${owners.join(', ')}`);
  if (found.length > 0) return found.map(asEnd);
  const near = workloads.map(({ id }) => id).filter((id) => id.includes(text.split(/[./]/)[0] ?? text));
  throw new UsageError(
    `nobody is called ${text}${near.length === 0 ? '' : `; there are: ${near.slice(0, 5).join(', ')}`}`,
  );
}

const asEnd = (workload: Workload): End => ({ kind: 'workload', workload });

/** `web.shop` is split at its last dot; `deployment/web.shop` names the kind too. */
function isNamed(workload: Workload, text: string, namespace = 'default'): boolean {
  if (workload.id === text || workload.id.split('#')[0] === text) return true;
  const [kind, rest] = text.includes('/')
    ? [text.slice(0, text.indexOf('/')), text.slice(text.indexOf('/') + 1)]
    : [undefined, text];
  if (kind !== undefined && kind.toLowerCase() !== workload.kind.toLowerCase()) return false;
  const dot = rest.lastIndexOf('.');
  if (workload.name === rest && workload.namespace === namespace) return true;
  return dot > 0 && rest.slice(0, dot) === workload.name && rest.slice(dot + 1) === workload.namespace;
}
