/** A proxy as companies have them: requests for http by their whole URL, and tunnels for https. */
import { createServer, request } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export class ForwardProxy implements AsyncDisposable {
  /** Requests that were passed on, and tunnels. */
  served = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((incoming, response) => {
    this.served += 1;
    const { method, headers, url = '' } = incoming;
    const onward = request(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });

  private constructor() {
    this.#server.on('connection', (socket: Socket) => this.#keep(socket));
    this.#server.on('connect', ({ url = '' }, client: Socket) => {
      this.served += 1;
      const [host = '', port] = url.split(':');
      const onward = this.#keep(connect(Number(port), host, () => client.write('HTTP/1.1 200 OK\r\n\r\n')));
      onward.on('error', () => client.destroy());
      client.pipe(onward).pipe(client);
    });
  }

  static async start(): Promise<ForwardProxy> {
    const proxy = new ForwardProxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
  }
}
