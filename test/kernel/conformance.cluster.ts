/** The same cases, written to a real API server that the agents of both nodes follow. */
import { conformanceCases } from '../cases/conformance.js';
import { packetSuite } from '../cases/packet-suite.js';

packetSuite('upstream conformance through an API server: dual stack, two nodes, bridge plugin', {
  plugin: 'bridge',
  cases: conformanceCases({ families: 'dual', nodes: 2 }),
  to: 'api-server',
});
