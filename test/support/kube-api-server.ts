/** A real kube-apiserver on an etcd of its own, in a network namespace of the lab. */
import { execa } from 'execa';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { request } from 'node:http';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { findBinaries } from '../build/api-server/binaries.mjs';
import { KubeClient, pathOf, type Named } from './kube-client.js';
import { kubeconfigOf } from './kubeconfig.js';
import type { Lab } from './lab/lab.js';
import { connectIn } from './lab/sockets.js';
import { until } from './until.js';

const binaries = await findBinaries();
/** Why there can be none here, in a sentence. */
export const missingApiServer =
  binaries === undefined ? 'no kube-apiserver here: `npm run apiserver` builds one' : undefined;

export interface ApiServerOptions {
  /** Further arguments of kube-apiserver. */
  readonly flags?: readonly string[];
  /** Another etcd than the one beside kube-apiserver: a program. */
  readonly etcd?: string | undefined;
}

interface ApiServerPlace extends ApiServerOptions {
  readonly netns: string;
  readonly folder: string;
}

/** In every lab it is outside the nodes, where they reach it. */
export const apiServerAddress = '172.30.0.100';
const tokens = { admin: 'admin-token', agent: 'agent-token', nobody: 'nobody-token' } as const;
const issuer = 'https://podwall.test';
const etcdPort = 2379;
export const apiServerPort = 6443;

export class KubeApiServer implements AsyncDisposable {
  readonly admin: KubeClient;
  readonly #place: ApiServerPlace;
  readonly #accountKey: KeyObject;
  #etcd: ReturnType<typeof spawn> | undefined;
  #server: ReturnType<typeof spawn> | undefined;

  private constructor(place: ApiServerPlace) {
    this.#place = place;
    this.#accountKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    this.admin = new KubeClient(
      { namespace: place.netns, address: apiServerAddress, port: apiServerPort },
      tokens.admin,
    );
  }

  static async start(lab: Lab, options: ApiServerOptions = {}): Promise<KubeApiServer> {
    const folder = join(lab.folder, 'apiserver');
    const place = { netns: lab.netns('outside'), folder, ...options };
    await mkdir(join(folder, 'certs'), { recursive: true });
    const server = new KubeApiServer(place);
    await writeFile(join(folder, 'service-accounts.key'), server.#accountKey.export({ type: 'pkcs8', format: 'pem' }));
    const lines = Object.entries(tokens).map(([name, token]) => {
      const group = name === 'admin' ? ',"system:masters"' : '';
      return `${token},${name},${name}${group}`;
    });
    await writeFile(join(folder, 'tokens.csv'), `${lines.join('\n')}\n`);
    const url = `http://127.0.0.1:${etcdPort}`;
    server.#etcd = spawn(place, options.etcd ?? join(binaries ?? '', 'etcd'), [
      ...['--data-dir', join(folder, 'etcd'), '--log-level', 'error', '--unsafe-no-fsync'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', 'http://127.0.0.1:2380'],
    ]);
    try {
      await server.startServer();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  async startServer(): Promise<void> {
    const { folder, flags = [] } = this.#place;
    this.#server = spawn(this.#place, join(binaries ?? '', 'kube-apiserver'), [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--bind-address=${apiServerAddress}`,
      `--advertise-address=${apiServerAddress}`,
      `--secure-port=${apiServerPort}`,
      `--cert-dir=${join(folder, 'certs')}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      `--service-account-issuer=${issuer}`,
      `--service-account-key-file=${join(folder, 'service-accounts.key')}`,
      `--service-account-signing-key-file=${join(folder, 'service-accounts.key')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
      '--v=1',
      ...flags,
    ]);
    const isReady = (): Promise<boolean> =>
      this.admin.call('GET', '/readyz').then(
        (answer) => answer === 'ok',
        () => false,
      );
    await until(isReady, 60_000);
  }

  /** As a crash. */
  async stopServer(): Promise<void> {
    await end(this.#server);
    this.#server = undefined;
  }

  /** Forgets every version but the newest, as etcd does by itself after some minutes: older ones get 410 Gone. */
  async compact(): Promise<void> {
    const { header } = (await this.#etcdCall('/v3/kv/range', { key: 'AA==' })) as { header: { revision: string } };
    await this.#etcdCall('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  /** Certificate and key that it made itself. */
  async certificate(): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
    const folder = join(this.#place.folder, 'certs');
    return { cert: await readFile(join(folder, 'apiserver.crt')), key: await readFile(join(folder, 'apiserver.key')) };
  }

  tokenOf(user: keyof typeof tokens): string {
    return tokens[user];
  }

  /** A kubeconfig for one of the users, by way of the server's own port or of one that leads to it. */
  async kubeconfig(user: keyof typeof tokens, port = apiServerPort): Promise<string> {
    const file = join(this.#place.folder, `kubeconfig-${user}-${port}`);
    const { cert: authority } = await this.certificate();
    const server = `https://${apiServerAddress}:${port}`;
    await writeFile(file, kubeconfigOf({ server, user: { token: tokens[user] }, authority }));
    return file;
  }

  /** A token of a service account that is good for so many seconds; the API itself gives none for less than ten minutes. */
  async accountToken(account: Named, seconds: number): Promise<string> {
    const { namespace, name } = account.metadata;
    const { metadata } = (await this.admin.call('GET', pathOf(account))) as { metadata: { uid: string } };
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: [issuer],
      sub: `system:serviceaccount:${namespace}:${name}`,
      iat: now,
      nbf: now,
      exp: now + seconds,
      'kubernetes.io': { namespace, serviceaccount: { name, uid: metadata.uid } },
    };
    const unsigned = [{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const signature = sign('sha256', Buffer.from(unsigned.join('.')), this.#accountKey);
    return [...unsigned, signature.toString('base64url')].join('.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin[Symbol.dispose]();
    await end(this.#server);
    await end(this.#etcd);
  }

  /** etcd's own API as JSON over HTTP. */
  async #etcdCall(path: string, body: object): Promise<unknown> {
    const place = { namespace: this.#place.netns, address: '127.0.0.1', port: etcdPort };
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request({ method: 'POST', path, createConnection: () => connectIn(place) }, (response) => {
        text(response).then(resolve, reject);
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
    const object = JSON.parse(answer) as { error?: string };
    if (object.error !== undefined) throw new Error(`etcd ${path}: ${object.error}`);
    return object;
  }
}

const spawn = ({ netns, folder }: ApiServerPlace, program: string, args: readonly string[]) =>
  execa('ip', ['netns', 'exec', netns, program, ...args], {
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: { file: join(folder, `${basename(program)}.log`) },
    buffer: false,
  });

async function end(child: ReturnType<typeof spawn> | undefined): Promise<void> {
  if (child === undefined) return;
  child.kill('SIGKILL');
  await child;
}
