import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { messageOf } from '../../generic/message-of.js';
import { ApiError, ConnectionError } from './api-errors.js';
import { answerTo, answerWithin, consume, statusMessage, type Body, type Exchange } from './http-exchange.js';
import type { ConnectionChoice, LoadedConfig } from './kube-config.js';
import { LineSplitter } from './line-splitter.js';

interface StreamOptions {
  readonly signal: AbortSignal;
  /** The server is taken for gone when it sends nothing for so many milliseconds. */
  readonly silence: number;
  readonly onLine: (line: Buffer) => void;
  /** The server has answered, and the stream begins. */
  readonly onOpen?: () => void;
}

/**
 * One API server. Authentication, TLS and proxies are the official client's business; requests are our own, since its
 * list and watch keep whole objects and do not notice a connection that has gone silent.
 */
export class ApiConnection {
  readonly server: string;
  /** Of all answers' bodies. */
  receivedBytes = 0;
  readonly #choice: ConnectionChoice;
  #config: LoadedConfig['config'];
  readonly #https = new HttpsAgent({ keepAlive: true });
  readonly #http = new HttpAgent({ keepAlive: true });

  private constructor(choice: ConnectionChoice, { config, server }: LoadedConfig) {
    this.#choice = choice;
    this.#config = config;
    this.server = server;
  }

  /** @throws InputError when there is no configuration, or none of that name. */
  static async open(choice: ConnectionChoice): Promise<ApiConnection> {
    return new ApiConnection(choice, await load(choice));
  }

  /** The whole body of a GET. */
  get(path: string, signal: AbortSignal): Promise<Buffer> {
    return this.#answer(path, { signal });
  }

  /** Sends an object; the answer's body. Errors as of `get`: a conflict is an ApiError with status 409. */
  send(method: 'POST' | 'PATCH', path: string, body: Body, signal: AbortSignal): Promise<Buffer> {
    return this.#answer(path, { signal, method, body });
  }

  /** The lines of a GET as they come, until the server ends it. */
  async stream(path: string, { onLine, ...options }: StreamOptions): Promise<void> {
    const splitter = new LineSplitter(onLine);
    await this.#read(path, { ...options, onChunk: (chunk) => splitter.take(chunk) });
    splitter.end();
  }

  close(): void {
    this.#https.destroy();
    this.#http.destroy();
  }

  async #answer(path: string, exchange: Pick<Exchange, 'signal' | 'method' | 'body'>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    await this.#read(path, { ...exchange, silence: answerWithin, onChunk: (chunk) => void chunks.push(chunk) });
    return Buffer.concat(chunks);
  }

  async #read(path: string, exchange: Exchange): Promise<void> {
    exchange.signal.throwIfAborted();
    const config = this.#config;
    const options = await this.#options(config);
    const url = new URL(this.server + path);
    const response = await answerTo(url, options, exchange);
    if (response.statusCode !== undefined && response.statusCode < 300) {
      exchange.onOpen?.();
      await consume(response, exchange.silence, (chunk) => {
        this.receivedBytes += chunk.length;
        exchange.onChunk(chunk);
      });
      return;
    }
    const chunks: Buffer[] = [];
    await consume(response, answerWithin, (chunk) => void chunks.push(chunk));
    // Once for all requests that went out with the same ones.
    if (response.statusCode === 401 && config === this.#config) await this.#renewCredentials();
    throw new ApiError(response.statusCode ?? 0, statusMessage(Buffer.concat(chunks), response));
  }

  /** Asked for anew each time: tokens are rotated. */
  async #options(config: LoadedConfig['config']): Promise<RequestOptions> {
    const options: RequestOptions = { headers: { accept: 'application/json' } };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new ConnectionError(`credentials: ${messageOf(error)}`, { cause: error });
    }
    if (this.#isProxied()) return options;
    const { ca, cert, key } = options;
    Object.assign(this.#https.options, { ca, cert, key });
    return { ...options, agent: this.server.startsWith('http:') ? this.#http : this.#https };
  }

  /** What was rotated stands in the files that were read; those that cannot be read now may be so by the next 401. */
  async #renewCredentials(): Promise<void> {
    try {
      this.#config = (await load(this.#choice)).config;
    } catch (error) {
      throw new ConnectionError(`credentials: ${messageOf(error)}`, { cause: error });
    }
  }

  #isProxied(): boolean {
    const cluster = this.#config.getCurrentCluster();
    return cluster?.proxyUrl !== undefined && cluster.proxyUrl !== '';
  }
}

const load = async (choice: ConnectionChoice): Promise<LoadedConfig> =>
  (await import('./kube-config.js')).loadKubeConfig(choice);
