/** Says over TLS, or without, who the client is to it. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificate, key } from './test-certificate.js';

/** What a server learns of its client. */
export interface Echo {
  readonly authorization?: string;
  /** Common name of its certificate. */
  readonly certificate?: string;
  /** By which name it called the server. */
  readonly servername?: string;
  /** Headers of impersonation, several values joined. */
  readonly impersonation: Readonly<Record<string, string>>;
}

export class EchoServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
  }

  static async start(tls: boolean): Promise<EchoServer> {
    const options = { cert: certificate, key, ca: certificate, requestCert: true, rejectUnauthorized: false };
    const server = tls ? createServer(options, answer) : createHttpServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new EchoServer(server, tls ? 'https' : 'http');
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer({ headers, socket }: IncomingMessage & { readonly socket: Socket }, response: ServerResponse): void {
  const tls = socket instanceof TLSSocket ? socket : undefined;
  const name = tls?.getPeerCertificate().subject as { readonly CN?: string } | undefined;
  const echo: Echo = {
    ...(headers.authorization === undefined ? {} : { authorization: headers.authorization }),
    ...(name?.CN === undefined ? {} : { certificate: name.CN }),
    ...(typeof tls?.servername === 'string' ? { servername: tls.servername } : {}),
    impersonation: Object.fromEntries(
      Object.entries(headers).flatMap(([one, value]) =>
        one.startsWith('impersonate-') ? [[one.slice('impersonate-'.length), String(value)]] : [],
      ),
    ),
  };
  response.end(JSON.stringify(echo));
}
