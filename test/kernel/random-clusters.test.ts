/** Random clusters on real packets; the seed in the title tells them again: `npm run conformance -- --variant random --seed SEED`. */
import { packetSuite } from '../cases/packet-suite.js';
import { randomClusters } from '../cases/random-clusters.js';
import { seed } from '../support/seed.js';

packetSuite('random clusters on real packets: dual stack, two nodes, bridge plugin', {
  plugin: 'bridge',
  cases: [randomClusters(seed, 12)],
});

packetSuite('random clusters on real packets, with recorded allows and dry runs', {
  plugin: 'ptp',
  cases: [randomClusters(seed + 1, 12)],
  hasAuditLog: true,
});
