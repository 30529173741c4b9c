/** The Kubernetes end-to-end suite's connectivity cases on real packets, pods over two nodes, each with its own agent. */
import { conformanceCases } from '../cases/conformance.js';
import { packetSuite } from '../cases/packet-suite.js';

packetSuite('upstream conformance on real packets: IPv4, two nodes, bridge plugin', {
  plugin: 'bridge',
  cases: conformanceCases({ families: 'IPv4', nodes: 2 }),
});
