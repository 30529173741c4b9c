/** The same before the real API server, which deletes Events itself. */
import { missingApiServer } from '../support/kube-api-server.js';
import { describePackets } from '../support/lab/requirements.js';
import { RealApiServer } from './real-api-server.js';
import { writesEvents } from './report-writer-suite.js';

describePackets(
  'what the agent reports',
  () => writesEvents('Events before a real API server', () => RealApiServer.start(['--event-ttl=4s'])),
  missingApiServer,
);
