/** The pods of two tenants: one's rows, and the other's deny that is measured beside them. */
import type { LivePod } from '../live/local-cluster.js';

export const tenantClient: LivePod = { end: 'client.tenant', host: 241, labels: { app: 'client' } };
export const tenantServer: LivePod = { end: 'server.tenant', host: 242, labels: { app: 'server' } };
export const marked: LivePod = { end: 'marked.tenant', host: 243, labels: { app: 'marked' } };
export const otherClient: LivePod = { end: 'client.other', host: 244, labels: { app: 'client' } };
export const otherServer: LivePod = { end: 'server.other', host: 245, labels: { app: 'server' } };
export const tenantPods: readonly LivePod[] = [tenantClient, tenantServer, marked, otherClient, otherServer];
