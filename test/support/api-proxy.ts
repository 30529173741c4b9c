/** Stands between an API server and its clients, and does to them what networks and middle boxes do. */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, request, type Agent } from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface ApiProxyOptions {
  /** Leads to the server. */
  readonly agent: Agent;
  /** Speaks TLS to clients with these; plain HTTP without. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** A listening socket, for another network namespace; without it, some port of our own loopback. */
  readonly fd?: number;
}

export class ApiProxy implements AsyncDisposable {
  /** Every piece of an answer comes so many milliseconds late. */
  lateness = 0;
  /** Every connection is reset as soon as it is made. */
  closed = false;
  /** Nothing is passed on, and connections stay open. */
  silent = false;
  /** Path and query of every request, in order. */
  readonly requests: string[] = [];
  readonly #agent: Agent;
  readonly #server: HttpServer;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<ServerResponse>();
  #cutsNextEvent = false;

  private constructor({ agent, tls }: ApiProxyOptions) {
    this.#agent = agent;
    const answer = (incoming: IncomingMessage, response: ServerResponse): void => this.#forward(incoming, response);
    this.#server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
    this.#server.on('connection', (socket: Socket) => {
      if (this.closed) return void socket.resetAndDestroy();
      this.#sockets.add(socket);
      // Who is cut off while it writes has an error, which is what was wanted.
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(options: ApiProxyOptions): Promise<ApiProxy> {
    const proxy = new ApiProxy(options);
    const place = options.fd === undefined ? { host: '127.0.0.1', port: 0 } : { fd: options.fd };
    await new Promise<void>((resolve) => proxy.#server.listen(place, resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get watching(): number {
    return this.#watches.size;
  }

  /** Every connection is reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Our side of every connection ends; the client's stays open. */
  halfClose(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Writes into the middle of every watch. */
  inject(text: string): void {
    for (const watch of this.#watches) watch.write(text);
  }

  /** Every watch ends with this. */
  endWith(text: string): void {
    for (const watch of this.#watches) watch.end(text);
  }

  /** The next event of any watch is passed by half, and then its connection ends. */
  cutNextEvent(): void {
    this.#cutsNextEvent = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url: path = '', headers } = incoming;
    this.requests.push(path);
    const upstream = request({ agent: this.#agent, method, path, headers }, (answer) => {
      void this.#pass(answer, response, path.includes('watch=1'));
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }

  async #pass(answer: IncomingMessage, response: ServerResponse, isWatch: boolean): Promise<void> {
    response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
    if (isWatch) {
      this.#watches.add(response);
      response.on('close', () => this.#watches.delete(response));
    }
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        if (this.lateness > 0) await delay(this.lateness);
        if (this.silent) continue;
        if (isWatch && this.#cutsNextEvent) {
          this.#cutsNextEvent = false;
          return void response.write(chunk.subarray(0, chunk.length >> 1), () => response.destroy());
        }
        // Another cut may have ended it meanwhile.
        if (response.writableEnded || response.destroyed) return;
        response.write(chunk);
      }
      response.end();
    } catch {
      // The server broke off in the middle: so do we.
      response.destroy();
    }
  }
}
