/** Two nodes with an agent each that follow a real API server, and a client that calls a server on real packets. */
import { expect } from '@jest/globals';
import { join } from 'node:path';
import { Disposables } from '../../src/node/disposables.js';
import { namespace, node, pod } from '../cases/objects.js';
import { agentRights } from '../support/agent-rights.js';
import { ApiProxy } from '../support/api-proxy.js';
import { apiServerAddress, KubeApiServer, type ApiServerOptions } from '../support/kube-api-server.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail } from '../support/lab/audit-trail.js';
import { Lab, labNode } from '../support/lab/lab.js';
import type { Outcome } from '../support/lab/prober.js';
import { listenIn } from '../support/lab/sockets.js';
import { settle, type ExpectedProbe } from '../support/lab/table.js';

const proxyPort = 7443;
const addresses = { client: '10.244.1.11', stranger: '10.244.1.13', server: '10.244.2.12' } as const;
export type Client = 'client' | 'stranger';

export class ApiServerLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly server: KubeApiServer;
  readonly agents: readonly AgentProcess[];
  /** Between the agents and the server, when there is one. */
  readonly proxy: ApiProxy | undefined;
  readonly #resources: Disposables;

  private constructor(parts: Pick<ApiServerLab, 'lab' | 'server' | 'agents' | 'proxy'>, resources: Disposables) {
    this.lab = parts.lab;
    this.server = parts.server;
    this.agents = parts.agents;
    this.proxy = parts.proxy;
    this.#resources = resources;
  }

  /**
   * The agents reach the server as it is, or by a proxy. Pods `client`, `stranger` and `server` of namespace x, each with
   * its name as label `app`; no policy.
   */
  static async start(way: 'straight' | 'proxied', options?: ApiServerOptions): Promise<ApiServerLab> {
    const resources = new Disposables();
    try {
      return await ApiServerLab.#build(way, resources, options);
    } catch (error) {
      await resources[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #build(
    way: 'straight' | 'proxied',
    resources: Disposables,
    options?: ApiServerOptions,
  ): Promise<ApiServerLab> {
    const lab = resources.use(await Lab.create([labNode(1, 'ptp'), labNode(2, 'bridge')]));
    const endpoints = (['client', 'stranger', 'server'] as const).map((name) => ({
      name,
      namespace: 'x',
      node: name === 'server' ? ('n2' as const) : ('n1' as const),
      addresses: [addresses[name]],
    }));
    await lab.addPods(endpoints);
    lab.prober.serve(lab.netns('server.x'), 80, 'TCP');
    const server = resources.use(await KubeApiServer.start(lab, options));
    const objects = [
      ...agentRights({ kind: 'User', name: 'agent' }),
      ...(['n1', 'n2'] as const).map((name) => node(name, 'IPv4')),
      namespace('x'),
      ...endpoints.map(({ name, ...place }) => pod(`${name}.x`, { ...place, labels: { app: name } })),
    ];
    for (const object of objects) await server.admin.create(object);
    const proxy = way === 'straight' ? undefined : resources.use(await proxyBefore(server, lab));
    const kubeconfig = await server.kubeconfig('agent', proxy?.port);
    const agents = await Promise.all(
      lab.nodeNames.map((name) => lab.startAgent(name, { kubeconfig, 'audit-log': auditLogIn(lab, name) })),
    );
    return new ApiServerLab({ lab, server, agents, proxy }, resources);
  }

  /** A client's call of the server. */
  call(from: Client, expected: Outcome): ExpectedProbe {
    return { from: this.lab.netns(`${from}.x`), to: addresses.server, port: 80, protocol: 'TCP', expected };
  }

  auditTrail(name: 'n1' | 'n2'): AuditTrail {
    return new AuditTrail(auditLogIn(this.lab, name));
  }

  async becomes(expected: Outcome, within = 10_000): Promise<void> {
    const { wrong } = await settle(this.lab.prober, [this.call('client', expected)], { within, timeout: 250 });
    expect(wrong).toEqual([]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources[Symbol.asyncDispose]();
  }
}

const auditLogIn = (lab: Lab, name: string): string => join(lab.folder, `audit-${name}.jsonl`);

/** A proxy outside the nodes, with the server's own certificate. */
async function proxyBefore(server: KubeApiServer, lab: Lab): Promise<ApiProxy> {
  const fd = listenIn({ namespace: lab.netns('outside'), address: apiServerAddress, port: proxyPort });
  return ApiProxy.start({ agent: server.admin.agent, tls: await server.certificate(), fd });
}
