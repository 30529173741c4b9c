/** What the agent reports to the cluster, on the fake API server. */
import { FakeApiServer } from '../support/fake-api-server.js';
import { writesEvents } from './report-writer-suite.js';

writesEvents('Events before a fake API server', async () => {
  const server = await FakeApiServer.start();
  server.eventTtl = 1_500;
  return server;
});
