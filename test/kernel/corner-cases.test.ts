/** The corner cases on real packets: dual stack, pods over two nodes, each node with its own agent. */
import { cornerCases } from '../cases/corner-cases.js';
import { packetSuite } from '../cases/packet-suite.js';

packetSuite('corner cases on real packets: dual stack, two nodes, ptp plugin', {
  plugin: 'ptp',
  cases: cornerCases,
});
