/** An API server for a few kinds over real HTTP: lists in pages and as streams, watches with bookmarks, an agent's reports, and every way to fail. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenIn } from './lab/sockets.js';
import { keyOf, write } from './fake-writes.js';
import { kubeconfigOf } from './kubeconfig.js';

export interface ApiObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

const paths: Readonly<Record<string, string>> = {
  '/api/v1/nodes': 'Node',
  '/api/v1/namespaces': 'Namespace',
  '/api/v1/pods': 'Pod',
  '/apis/networking.k8s.io/v1/networkpolicies': 'NetworkPolicy',
  '/apis/networking.k8s.io/v1/servicecidrs': 'ServiceCIDR',
  '/api/v1/events': 'Event',
  '/apis/podwall.dev/v1alpha1/nodepolicystatuses': 'NodePolicyStatus',
  '/apis/networking.k8s.io/v1beta1/servicecidrs': 'ServiceCIDR',
};

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
}

/** How the server behaves beyond its duty. */
export interface Faults {
  /** Answered to a request for a streamed list; `never ends` sends no bookmark. */
  streams: 'yes' | 'refused' | 'error in the stream' | 'never ends';
  /** What becomes of a watch from a version: it ends at once, or every version is too old. */
  watches: 'last' | 'end' | 'gone';
}

export class FakeApiServer implements AsyncDisposable {
  readonly faults: Faults = { streams: 'yes', watches: 'last' };
  /** Paths of versions that the server has not got. */
  readonly unserved = new Set<string>();
  /** Path and query of every request, in order. */
  readonly requests: string[] = [];
  readonly #objects = new Map<string, ApiObject>();
  /** As --event-ttl, in milliseconds. */
  eventTtl = Infinity;
  /** By key: when it is gone, by performance.now(). */
  readonly #expiries = new Map<string, number>();
  #history: Change[] = [];
  #version = 1;
  /** Versions before this one are forgotten. */
  #oldest = 0;
  /** Kinds that the client may not read. */
  readonly #forbidden = new Set<string>();
  readonly #watches = new Set<{ readonly isOf: (object: ApiObject) => boolean; readonly response: ServerResponse }>();
  #server: Server;
  #port = 0;

  readonly #namespace: string | undefined;
  readonly #paths = new Map(Object.entries(paths));
  /** By kind: objects as text, which stand in lists beside those that were put. */
  readonly bulk = new Map<string, () => Iterable<string>>();

  private constructor(namespace: string | undefined) {
    this.#namespace = namespace;
    this.#server = this.#makeServer();
  }

  /** On our own loopback, or on that of another network namespace. */
  static async start(namespace?: string): Promise<FakeApiServer> {
    const fake = new FakeApiServer(namespace);
    await fake.listen();
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A kubeconfig that names this server. */
  get kubeconfig(): string {
    return kubeconfigOf({ server: this.url, user: { token: 'secret' } });
  }

  async listen(): Promise<void> {
    const place = { address: '127.0.0.1', port: this.#port };
    const options =
      this.#namespace === undefined
        ? { host: place.address, port: place.port }
        : { fd: listenIn({ namespace: this.#namespace, ...place }) };
    await new Promise<void>((resolve) => this.#server.listen(options, resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As a crash: every connection breaks, the objects stay. */
  async stop(): Promise<void> {
    for (const { response } of this.#watches) response.destroy();
    this.#watches.clear();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#server = this.#makeServer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** One more kind. */
  serve(path: string, kind: string): void {
    this.#paths.set(path, kind);
  }

  put(...objects: readonly ApiObject[]): void {
    for (const object of objects) {
      const key = keyOf(object);
      this.#record(this.#objects.has(key) ? 'MODIFIED' : 'ADDED', object);
    }
  }

  events(namespace: string): ApiObject[] {
    for (const key of this.#expiries.keys()) this.#hasExpired(key);
    return [...this.#objects.values()].filter((one) => one.kind === 'Event' && one.metadata.namespace === namespace);
  }

  delete(object: ApiObject): void {
    this.#record('DELETED', object);
  }

  /** Forgets the history, as etcd's compaction does: older versions are answered with 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  /** Cuts every watch in the middle of its stream, so that clients resume. */
  cutWatches(): void {
    for (const { response } of this.#watches) response.destroy();
    this.#watches.clear();
  }

  /** Writes bytes of no event to every watch. */
  writeRaw(text: string): void {
    for (const { response } of this.#watches) response.write(text);
  }

  forbid(kind: string): void {
    this.#forbidden.add(kind);
  }

  permit(kind: string): void {
    this.#forbidden.delete(kind);
  }

  get watching(): number {
    return this.#watches.size;
  }

  #makeServer(): Server {
    return createServer((request, response) => this.#answer(request, response));
  }

  #record(type: Change['type'], object: ApiObject): void {
    this.#version += 1;
    const known = this.#objects.get(keyOf(object));
    const uid = object.metadata['uid'] ?? known?.metadata['uid'] ?? randomUUID();
    const present = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.#version) } };
    if (type === 'DELETED') this.#objects.delete(keyOf(object));
    else this.#objects.set(keyOf(object), present);
    const change = { version: this.#version, type, object: present };
    this.#history.push(change);
    for (const { isOf, response } of this.#watches) if (isOf(object)) send(response, type, present);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.url);
    this.requests.push(request.url ?? '');
    const kind = this.unserved.has(url.pathname) ? undefined : this.#paths.get(url.pathname);
    if (request.headers.authorization !== 'Bearer secret') refuse(response, 401, 'Unauthorized');
    else if (request.method !== 'GET') void this.#write(request, url, response);
    else if (kind === undefined) refuse(response, 404, 'the server could not find the requested resource');
    else if (this.#forbidden.has(kind)) refuse(response, 403, `${url.pathname} is forbidden`);
    else if (url.searchParams.get('watch') === '1') this.#watch(kind, url.searchParams, response);
    else if (this.bulk.has(kind)) void this.#listBulk(kind, response);
    else this.#list(kind, url.searchParams, response);
  }

  async #write(request: IncomingMessage, { pathname }: URL, response: ServerResponse): Promise<void> {
    const [, root = '', namespace, resource = '', name] =
      /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const kind = this.#paths.get(`${root}/${resource}`);
    if (kind === undefined) {
      refuse(response, 404, 'the server could not find the requested resource');
      return;
    }
    const place = { kind, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
    const written = await write(request, place, {
      get: (key) => (this.#hasExpired(key) ? undefined : this.#objects.get(key)),
      put: (object) => {
        if (kind === 'Event') this.#expiries.set(keyOf(object), performance.now() + this.eventTtl);
        this.put(object);
      },
    });
    if ('code' in written) {
      refuse(response, written.code, written.message);
      return;
    }
    response.end(JSON.stringify(written.object));
  }

  #hasExpired(key: string): boolean {
    if (performance.now() < (this.#expiries.get(key) ?? Infinity)) return false;
    this.#expiries.delete(key);
    this.#objects.delete(key);
    return true;
  }

  #list(kind: string, query: URLSearchParams, response: ServerResponse): void {
    const limit = Number(query.get('limit') ?? Infinity);
    const from = Number(query.get('continue') ?? 0);
    const all = [...this.#objects.values()].filter(selectorOf(kind, query));
    const next = from + limit < all.length ? { continue: String(from + limit) } : {};
    response.setHeader('content-type', 'application/json');
    const metadata = { resourceVersion: String(this.#version), ...next };
    response.end(JSON.stringify({ kind: `${kind}List`, metadata, items: all.slice(from, from + limit) }));
  }

  #watch(kind: string, query: URLSearchParams, response: ServerResponse): void {
    const streams = query.get('sendInitialEvents') === 'true';
    const isOf = selectorOf(kind, query);
    if (streams && this.faults.streams === 'refused') {
      refuse(response, 422, 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled');
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (streams && this.faults.streams === 'error in the stream') {
      send(response, 'ERROR', { kind: 'Status', code: 500, message: 'etcd does not support progress notifications' });
      response.end();
      return;
    }
    const since = Number(query.get('resourceVersion') ?? 0);
    if (!streams && (since < this.#oldest || this.faults.watches === 'gone')) {
      send(response, 'ERROR', { kind: 'Status', code: 410, message: `too old resource version: ${since}` });
      response.end();
      return;
    }
    if (this.faults.watches !== 'last') {
      if (streams) void this.#sendInitial(kind, isOf, response).then(() => response.end());
      else response.end();
      return;
    }
    if (streams) void this.#sendInitial(kind, isOf, response);
    else
      for (const { version, type, object } of this.#history)
        if (version > since && isOf(object)) send(response, type, object);
    const watch = { isOf, response };
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
  }

  async #sendInitial(kind: string, isOf: (object: ApiObject) => boolean, response: ServerResponse): Promise<void> {
    for (const object of this.#objects.values()) if (isOf(object)) send(response, 'ADDED', object);
    const bulk = this.bulk.get(kind);
    if (bulk !== undefined) await pour(response, bulk(), (text) => `{"type":"ADDED","object":${text}}\n`);
    if (this.faults.streams === 'never ends') return;
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    send(response, 'BOOKMARK', { kind, metadata: { resourceVersion: String(this.#version), annotations } });
  }

  /** All of it, whatever the limit. */
  async #listBulk(kind: string, response: ServerResponse): Promise<void> {
    response.setHeader('content-type', 'application/json');
    response.write(`{"kind":"${kind}List","metadata":{"resourceVersion":"${this.#version}"},"items":[`);
    let comma = '';
    await pour(response, this.bulk.get(kind)?.() ?? [], (text) => {
      const item = comma + text;
      comma = ',';
      return item;
    });
    response.end(']}');
  }
}

/** No faster than the client reads. */
async function pour(response: ServerResponse, texts: Iterable<string>, shape: (text: string) => string): Promise<void> {
  let chunk = '';
  for (const text of texts) {
    chunk += shape(text);
    if (chunk.length < 65_536) continue;
    if (!response.write(chunk)) await once(response, 'drain');
    chunk = '';
  }
  response.write(chunk);
}

/** Of field selectors, those of one name, or of all but one. */
function selectorOf(kind: string, query: URLSearchParams): (object: ApiObject) => boolean {
  const selector = query.get('fieldSelector');
  const [, not, name] = /^metadata\.name(!?)=(.+)$/.exec(selector ?? '') ?? [];
  if (selector !== null && name === undefined) throw new Error(`the fake does not know ${selector}`);
  return ({ kind: own, metadata }) => own === kind && (name === undefined || (metadata.name === name) === (not === ''));
}

function send(response: ServerResponse, type: string, object: object): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function refuse(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, message }));
}
