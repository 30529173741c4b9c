import { parseAddress, type Address } from '../../model/address.js';
import { isHardwareAddress } from '../../model/attachment.js';
import { unknownUid, type LinkBinding } from '../../model/link-binding.js';
import type { Chain, Rule, Ruleset } from '../language/types.js';
import { chains } from '../names/chains.js';

/** As renderGuards comments a rule of an own address; the comment of a long name is cut. */
const ownAddress = /^(?<namespace>[^/\s]+)\/(?<name>[^/\s:]+): own address$/;

/**
 * Whose links are, as the guards in the kernel say it: device, pod and addresses. For an agent that knows nothing else.
 * Without a pod's name, where no rule has it, the name is the device's.
 */
export function guardedLinks(guards: Ruleset): readonly Omit<LinkBinding, 'ifindex'>[] {
  const found = new Map<string, Omit<LinkBinding, 'ifindex'>>();
  for (const chain of guards.chains.values()) {
    const meaning = chains.meaningOf(chain.name);
    if (meaning?.kind !== 'guard' && meaning?.kind !== 'egress-guard') continue;
    const { device } = meaning;
    const before = found.get(device);
    const addresses = [...new Set([...(before?.addresses ?? []), ...addressesIn(chain)])];
    const isBridged = meaning.kind === 'egress-guard' || before?.kind === 'bridged';
    const pod = podIn(chain) ?? before?.pod ?? { namespace: '', name: device };
    const hardware = hardwareIn(chain) ?? before?.hardware;
    found.set(device, {
      ...{ pod, podUid: unknownUid, device, kind: isBridged ? 'bridged' : 'routed', addresses },
      ...(hardware === undefined ? {} : { hardware }),
    });
  }
  return [...found.values()];
}

function podIn({ rules }: Chain): LinkBinding['pod'] | undefined {
  for (const { comment = '' } of rules) {
    const { namespace, name } = ownAddress.exec(comment)?.groups ?? {};
    if (namespace !== undefined && name !== undefined) return { namespace, name };
  }
  return undefined;
}

/** The one that frames must come from. */
function hardwareIn({ rules }: Chain): string | undefined {
  for (const { statements } of rules) {
    const [first] = statements;
    if (first === undefined || !('match' in first) || typeof first.match.right !== 'string') continue;
    const { left, op, right } = first.match;
    const isSource = 'payload' in left && 'field' in left.payload && left.payload.field === 'saddr';
    if (op === '!=' && isSource && isHardwareAddress(right)) return right;
  }
  return undefined;
}

const addressesIn = ({ rules }: Chain): readonly Address[] => rules.flatMap((rule) => ownAddressIn(rule) ?? []);

/** A rule for one source or destination; link-local networks are no addresses, and `::` is nobody's. */
function ownAddressIn({ statements }: Rule): Address | undefined {
  const [first] = statements;
  if (first === undefined || !('match' in first) || typeof first.match.right !== 'string') return undefined;
  const { left, op, right } = first.match;
  if (op !== '==' || !('payload' in left) || !('field' in left.payload)) return undefined;
  const { protocol, field } = left.payload;
  const isAddress = (protocol === 'ip' || protocol === 'ip6') && (field === 'saddr' || field === 'daddr');
  return isAddress && right !== '::' ? parseAddress(right) : undefined;
}
