/** A SOCKS5 proxy for IPv4 addresses without authentication (RFC 1928). */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class SocksProxy implements AsyncDisposable {
  /** Connections that were made for clients. */
  served = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((client) => {
    this.#serve(this.#keep(client));
  });

  private constructor() {}

  static async start(): Promise<SocksProxy> {
    const proxy = new SocksProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `socks5://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** A greeting that is answered with "no authentication", then CONNECT to an IPv4 address. */
  #serve(client: Socket): void {
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (request) => {
        const onward = this.#keep(connect(request.readUInt16BE(8), [...request.subarray(4, 8)].join('.')));
        onward.once('connect', () => {
          this.served += 1;
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          client.pipe(onward).pipe(client);
        });
      });
    });
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
  }
}
