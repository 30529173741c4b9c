/** Random clusters on real packets; the seed in the title reproduces them: `npm run conformance -- --variant random --seed SEED`. */
import { packetSuite } from '../cases/packet-suite.js';
import { randomClusters } from '../cases/random-clusters.js';
import { seed } from '../support/seed.js';

// Twelve clusters with records take 25 s alone on two cores; beside other tests twice that, and more.
const timeout = 180_000;

packetSuite('random clusters on real packets: dual stack, two nodes, bridge plugin', {
  plugin: 'bridge',
  cases: [randomClusters(seed, 12)],
  timeout,
});

packetSuite('random clusters on real packets, with recorded allows and dry runs', {
  plugin: 'ptp',
  cases: [randomClusters(seed + 1, 12)],
  hasAuditLog: true,
  timeout,
});

packetSuite('random clusters on real packets, while another tenant relabels pods', {
  plugin: 'bridge',
  cases: [randomClusters(seed + 2, 3)],
  tenantRow: 'relabel',
  timeout,
});
