/** A real kube-apiserver on an etcd of its own, in a network namespace of the lab. */
import { execa } from 'execa';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Manifest } from '../cases/types.js';

export interface ApiServerPlace {
  /** The programs' folder. */
  readonly binaries: string;
  readonly netns: string;
  /** Address in that namespace that the nodes reach. */
  readonly address: string;
  readonly folder: string;
}

const collections: Readonly<Record<string, string>> = {
  Node: '/api/v1/nodes',
  Namespace: '/api/v1/namespaces',
  Pod: '/api/v1/namespaces/NS/pods',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
};

const pathOf = ({ kind, metadata }: Manifest): string =>
  (collections[kind] ?? '').replace('NS', metadata.namespace ?? '');

const tokens = { admin: 'admin-token', agent: 'agent-token', nobody: 'nobody-token' } as const;
const port = 6443;

export class KubeApiServer implements AsyncDisposable {
  readonly #place: ApiServerPlace;
  #etcd: ReturnType<typeof spawn> | undefined;
  #server: ReturnType<typeof spawn> | undefined;

  private constructor(place: ApiServerPlace) {
    this.#place = place;
  }

  static async start(place: ApiServerPlace): Promise<KubeApiServer> {
    const { folder } = place;
    await mkdir(join(folder, 'certs'), { recursive: true });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(folder, 'service-accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const lines = Object.entries(tokens).map(([name, token]) => {
      const group = name === 'admin' ? ',"system:masters"' : '';
      return `${token},${name},${name}${group}`;
    });
    await writeFile(join(folder, 'tokens.csv'), `${lines.join('\n')}\n`);
    const server = new KubeApiServer(place);
    server.#etcd = spawn(place, 'etcd', [
      ...['--data-dir', join(folder, 'etcd'), '--log-level', 'error'],
      ...['--listen-client-urls', 'http://127.0.0.1:2379', '--advertise-client-urls', 'http://127.0.0.1:2379'],
      ...['--listen-peer-urls', 'http://127.0.0.1:2380'],
    ]);
    await server.startServer();
    return server;
  }

  async startServer(): Promise<void> {
    const { folder, address } = this.#place;
    this.#server = spawn(this.#place, 'kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:2379`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${port}`,
      `--cert-dir=${join(folder, 'certs')}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://podwall.test',
      `--service-account-key-file=${join(folder, 'service-accounts.key')}`,
      `--service-account-signing-key-file=${join(folder, 'service-accounts.key')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
      '--v=1',
    ]);
    for (let attempt = 0; attempt < 300; attempt += 1) {
      const ready = await this.call('GET', '/readyz').catch(() => undefined);
      if (ready === 'ok') return;
      await delay(100);
    }
    throw new Error('kube-apiserver is not ready within 30 s');
  }

  async stopServer(): Promise<void> {
    await end(this.#server);
    this.#server = undefined;
  }

  /** A kubeconfig for one of the users. */
  async kubeconfig(user: keyof typeof tokens): Promise<string> {
    const file = join(this.#place.folder, `kubeconfig-${user}`);
    const authority = await readFile(join(this.#place.folder, 'certs', 'apiserver.crt'));
    const cluster = {
      server: `https://${this.#place.address}:${port}`,
      'certificate-authority-data': authority.toString('base64'),
    };
    await writeFile(
      file,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'test', cluster }],
        users: [{ name: user, user: { token: tokens[user] } }],
        contexts: [{ name: 'test', context: { cluster: 'test', user } }],
        'current-context': 'test',
      }),
    );
    return file;
  }

  /** Creates an object as the admin, with the status that controllers and kubelets would write; the server gives uids. */
  async create(manifest: Manifest): Promise<void> {
    const { metadata } = manifest;
    await this.call('POST', pathOf(manifest), { ...manifest, metadata: { ...metadata, uid: undefined } });
    if (manifest.kind !== 'Pod' && manifest.kind !== 'Node') return;
    await this.call('PATCH', `${pathOf(manifest)}/${metadata.name}/status`, { status: manifest.status });
  }

  async delete(manifest: Manifest): Promise<void> {
    await this.call('DELETE', `${pathOf(manifest)}/${manifest.metadata.name}`, { gracePeriodSeconds: 0 });
  }

  /** One request as the admin, by way of the namespace; what the server answers. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const { netns, address } = this.#place;
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const script = requestScript({ address, method, path, body: body === undefined ? '' : JSON.stringify(body), type });
    const { stdout } = await execa('ip', ['netns', 'exec', netns, process.execPath, '-e', script]);
    const answer = stdout.startsWith('{')
      ? (JSON.parse(stdout) as { kind?: string; status?: unknown; message?: string })
      : stdout;
    if (typeof answer === 'object' && answer.kind === 'Status' && answer.status === 'Failure')
      throw new Error(`${method} ${path}: ${answer.message ?? stdout}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#server);
    await end(this.#etcd);
  }
}

const spawn = ({ binaries, netns }: ApiServerPlace, name: string, args: readonly string[]) =>
  execa('ip', ['netns', 'exec', netns, join(binaries, name), ...args], { reject: false, stdio: 'ignore' });

async function end(child: ReturnType<typeof spawn> | undefined): Promise<void> {
  if (child === undefined) return;
  child.kill('SIGKILL');
  await child;
}

interface Call {
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly type: string;
}

/** The test's own process is in another network namespace: a child asks. */
function requestScript({ address, method, path, body, type }: Call): string {
  const options: RequestOptions = {
    host: address,
    port,
    method,
    path,
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${tokens.admin}`, 'content-type': type },
  };
  return `const r = require('https').request(${JSON.stringify(options)}, (a) => a.pipe(process.stdout)); r.end(${JSON.stringify(body)});`;
}
