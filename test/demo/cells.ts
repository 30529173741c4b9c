import type { Flow } from '../../src/evaluation/types.js';
import type { Example } from '../cases/examples.js';
import type { ClusterState } from '../cases/cluster-state.js';
import type { Lab } from '../support/lab/lab.js';
import type { Probe } from '../support/lab/prober.js';

/** One flow of an example's table: what is sent, and what its table says of it. */
export interface DemoCell {
  readonly example: string;
  /** Columns: from, to, protocol and port, family. */
  readonly title: readonly string[];
  readonly allowed: boolean;
  readonly probe: Probe;
  /** Network namespace of the server. */
  readonly server: string;
  readonly flow: Flow;
}

export function cellsOf({ directory, cells }: Example, state: ClusterState, lab: Lab): DemoCell[] {
  return cells.flatMap((cell) =>
    state.pairings(cell).map((pairing): DemoCell => {
      const { source, destination, port, protocol, family } = pairing;
      return {
        example: directory,
        title: [cell.from, '->', cell.to, `${cell.protocol} ${port}`, family],
        allowed: cell.allowed,
        probe: { from: lab.placeOf(source), to: destination, port, protocol: protocol === 'other' ? 'ICMP' : protocol },
        server: lab.placeOf(destination),
        flow: pairing,
      };
    }),
  );
}
