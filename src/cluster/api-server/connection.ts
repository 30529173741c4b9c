import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { messageOf } from '../../generic/message-of.js';
import { InputError } from '../../generic/input-error.js';
import type { LoadedConfig } from './kube-config.js';
import { LineSplitter } from './line-splitter.js';

/** The server answered, and the answer is no; `message` is the server's own. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Nobody answered, or the answer broke off. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** What a command that asks once says of it: exit 2. Bugs stay what they are. */
export function refusalOf(error: unknown, { server }: { readonly server: string }, signal: AbortSignal): unknown {
  if (signal.aborted) return new InputError(`${server}: did not answer in time`);
  return error instanceof ApiError || error instanceof ConnectionError
    ? new InputError(`${server}: ${error.message}`)
    : error;
}

export interface ConnectionChoice {
  /** Undefined: $KUBECONFIG or ~/.kube/config, inside a pod its service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** The server is taken for gone when it sends nothing for so many milliseconds. */
  readonly silence: number;
  readonly onLine: (line: Buffer) => void;
  /** The server has answered, and the stream begins. */
  readonly onOpen?: () => void;
}

/** How long a connection may take to answer at all, in milliseconds. */
const answerWithin = 10_000;

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
    const options = await this.#options();
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
    if (response.statusCode === 401) await this.#renewCredentials();
    throw new ApiError(response.statusCode ?? 0, statusMessage(Buffer.concat(chunks), response));
  }

  /** Asked for anew each time: tokens are rotated. */
  async #options(): Promise<RequestOptions> {
    const options: RequestOptions = { headers: { accept: 'application/json' } };
    try {
      await this.#config.applyToHTTPSOptions(options);
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

export interface Body {
  readonly contentType: 'application/json' | 'application/apply-patch+yaml';
  readonly object: object;
}

const load = async (choice: ConnectionChoice): Promise<LoadedConfig> =>
  (await import('./kube-config.js')).loadKubeConfig(choice);

interface Exchange {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly body?: Body;
  readonly signal: AbortSignal;
  readonly silence: number;
  readonly onChunk: (chunk: Buffer) => void;
  readonly onOpen?: (() => void) | undefined;
}

function answerTo(
  url: URL,
  options: RequestOptions,
  { signal, method = 'GET', body }: Exchange,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const request = send(url, { ...options, method, signal });
    if (body !== undefined) request.setHeader('content-type', body.contentType);
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${answerWithin / 1000} s`)),
      answerWithin,
    );
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(signal.aborted ? error : new ConnectionError(`${url.host}: ${messageOf(error)}`, { cause: error }));
    });
    request.end(body === undefined ? undefined : JSON.stringify(body.object));
  });
}

/** Resolves at the end of the body; rejects when it breaks off or falls silent. */
function consume(response: IncomingMessage, silence: number, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fall = (): void => void response.destroy(new Error(`silent for ${silence / 1000} s`));
    let timer = setTimeout(fall, silence);
    let refused: unknown;
    response.on('data', (chunk: Buffer) => {
      clearTimeout(timer);
      timer = setTimeout(fall, silence);
      try {
        onChunk(chunk);
      } catch (error) {
        refused = error;
        response.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    response.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
    response.once('error', (error) => {
      clearTimeout(timer);
      reject(new ConnectionError(messageOf(error), { cause: error }));
    });
    response.once('close', () => {
      clearTimeout(timer);
      if (refused === undefined && !response.complete)
        reject(new ConnectionError('the connection was closed in the middle'));
    });
  });
}

/** A Status object's message, or what there is. */
function statusMessage(body: Buffer, response: IncomingMessage): string {
  const text = body.toString('utf8');
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    return `${response.statusCode ?? 0} ${text.slice(0, 200) || (response.statusMessage ?? '')}`;
  }
  return `${response.statusCode ?? 0} ${response.statusMessage ?? ''}`;
}
