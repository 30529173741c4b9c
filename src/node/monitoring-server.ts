/**
 * HTTP server for the kubelet and Prometheus: `/healthz` (the loop runs), `/readyz` (the cluster is read and enforced),
 * `/metrics`. Enforcement never waits for it: an address that cannot be bound is tried again.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../generic/message-of.js';
import { InputError } from '../generic/input-error.js';
import type { ReconcilerLog } from '../reconciler/types.js';
import type { AgentStatus } from './control-socket.js';

interface MonitoringAddress {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPV6]:PORT`, or `off`. @throws InputError */
export function parseMonitoringAddress(text: string): MonitoringAddress | undefined {
  if (text === 'off') return undefined;
  const match = /^(?:\[([\d:a-fA-F.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535)
    throw new InputError(`--metrics-address ${text}: must be HOST:PORT, [IPV6]:PORT or off`);
  return { host: match[1] ?? match[2] ?? '', port };
}

/** What the server asks of a running agent. */
export interface MonitoredAgent {
  status(): AgentStatus;
  /** When the current run of the loop began, by performance.now(); undefined between runs. */
  busySince(): number | undefined;
}

interface MonitoringOptions {
  readonly address: MonitoringAddress;
  readonly log: ReconcilerLog;
  /** The text of /metrics. */
  readonly metrics: () => Promise<string>;
  readonly contentType: string;
}

/** Milliseconds. The largest run takes seconds: one that takes longer than this hangs. */
const longestRun = 60_000;
/** Milliseconds until an address that cannot be bound is tried again. */
const retryAfter = 2_000;

export class MonitoringServer implements AsyncDisposable {
  readonly #options: MonitoringOptions;
  readonly #server: Server;
  #agent: MonitoredAgent | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failureLogged = false;

  constructor(options: MonitoringOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      void this.#answer((request.url ?? '').split('?')[0] ?? '', response);
    });
    this.#server.on('error', (error) => this.#failed(error));
    this.#listen();
  }

  /** The agent runs now. Before this call it is healthy and not ready. */
  monitor(agent: MonitoredAgent): void {
    this.#agent = agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retry);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #listen(): void {
    const { host, port } = this.#options.address;
    this.#server.listen({ host, port });
  }

  #failed(error: Error): void {
    if (!this.#failureLogged) this.#options.log.warn({ error: error.message }, 'cannot serve metrics and health yet');
    this.#failureLogged = true;
    this.#retry = setTimeout(() => this.#listen(), retryAfter);
  }

  async #answer(path: string, response: ServerResponse): Promise<void> {
    try {
      if (path === '/healthz') this.#respond(response, this.#healthProblems());
      else if (path === '/readyz') this.#respond(response, this.#readinessProblems());
      else if (path === '/metrics') {
        const text = await this.#options.metrics();
        response.writeHead(200, { 'content-type': this.#options.contentType }).end(text);
      } else response.writeHead(404).end('there are /healthz, /readyz and /metrics\n');
    } catch (error) {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${messageOf(error)}\n`);
    }
  }

  #respond(response: ServerResponse, problems: readonly string[]): void {
    response.writeHead(problems.length === 0 ? 200 : 503, { 'content-type': 'text/plain' });
    response.end(problems.length === 0 ? 'ok\n' : problems.map((one) => `${one}\n`).join(''));
  }

  #healthProblems(): readonly string[] {
    const since = this.#agent?.busySince();
    const busy = since === undefined ? 0 : performance.now() - since;
    return busy > longestRun ? [`the loop has been in one run for ${Math.round(busy / 1000)} s`] : [];
  }

  #readinessProblems(): readonly string[] {
    if (this.#agent === undefined) return ['the cluster has not been read yet, or another agent holds this node'];
    const { ready, lastApplied, lastError, warnings } = this.#agent.status();
    if (ready) return [];
    const reasons = [
      lastApplied === undefined ? 'nothing has been applied yet' : 'not every pod is known to be behind its rules',
      lastError,
      ...warnings,
    ];
    return reasons.filter((reason) => reason !== undefined);
  }
}
