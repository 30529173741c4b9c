/** Which named counters count what the audit log accounts for. */
import type { PacketCount } from '../../program/packet-count.js';
import { counters } from './counters.js';
import { todaysName } from './retired.js';

/** Undefined for a counter that the audit log does not account for. */
export function packetCountOf(counter: string): PacketCount | undefined {
  const meaning = counters.meaningOf(todaysName(counter));
  switch (meaning?.kind) {
    case 'drop':
      return { counts: 'to-log', scope: meaning.direction };
    case 'skeleton-drop':
    case 'guard-drop':
      return { counts: 'to-log', scope: 'neither' };
    case 'logged':
      return { counts: 'logged', scope: meaning.scope };
    case 'guard-logged':
      return { counts: 'logged', scope: 'neither' };
    case 'to-report':
    case 'guard-to-report':
      return { counts: 'to-log', scope: 'report' };
    case 'logged-report':
    case 'guard-logged-report':
      return { counts: 'logged', scope: 'report' };
    case 'accepted':
    case 'rule':
    case 'dry-run-deny':
    case 'dry-run-allow':
    case 'commit':
      return undefined;
    default:
      return meaning satisfies undefined;
  }
}
