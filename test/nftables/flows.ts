import type { Flow } from '../../src/evaluation/types.js';
import type { PolicyProgram } from '../../src/program/types.js';
import { addressPool, outsiders, portPool } from '../support/arbitrary.js';

/** Flows between all addresses, but those of nodes, which never pass `forward`. */
export function flowsOf(program: PolicyProgram): Flow[] {
  const own = new Set([...program.nodes.values()].flat());
  const addresses = [...outsiders, ...addressPool].filter((address) => !own.has(address));
  return addresses.flatMap((source) =>
    addresses
      .filter((destination) => source.includes(':') === destination.includes(':'))
      .flatMap((destination) => [
        { source, destination, protocol: 'other' as const, port: 0 },
        ...(['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) =>
          portPool.map((port) => ({ source, destination, protocol, port })),
        ),
      ]),
  );
}
