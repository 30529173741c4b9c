/** What a user may write into a kubeconfig, line by line of kubeconfig.md: tried on servers that say whom they saw. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ApiConnection } from '../../src/cluster/api-server/connection.js';
import { InputError } from '../../src/generic/input-error.js';
import { EchoServer, type Echo } from '../support/echo-server.js';
import { ForwardProxy } from '../support/forward-proxy.js';
import { SocksProxy } from '../support/socks-proxy.js';
import { certificate, key } from '../support/test-certificate.js';

type Fields = Readonly<Record<string, unknown>>;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const trusted = { 'certificate-authority-data': base64(certificate), 'tls-server-name': 'podwall.test' };
const apiVersion = 'client.authentication.k8s.io/v1';

let folder: string;
let secure: EchoServer;
let plain: EchoServer;
const file = (name = 'config'): string => join(folder, name);
const environment = { ...process.env };

beforeAll(async () => {
  [secure, plain] = await Promise.all([EchoServer.start(true), EchoServer.start(false)]);
});
afterAll(async () => {
  await secure[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-kubeconfig-'));
  await Promise.all([
    writeFile(file('ca.crt'), certificate),
    writeFile(file('client.key'), key),
    writeFile(file('token'), ' of-file\n'),
    writeFile(file('empty'), '\n'),
    writeFile(file('plugin.sh'), '#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" > "$WHERE/info"\ncat "$WHERE/answer"\n', {
      mode: 0o755,
    }),
  ]);
});
afterEach(async () => {
  process.env = { ...environment };
  await rm(folder, { recursive: true });
});

/** A kubeconfig of one context, beside which its files are. */
async function write(cluster: Fields, user: Fields | undefined, name = 'config', more: Fields = {}): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'k', cluster }],
    users: user === undefined ? [] : [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'k', ...(user === undefined ? {} : { user: 'u' }) } }],
    'current-context': 'c',
    ...more,
  };
  await writeFile(file(name), JSON.stringify(config));
}

async function ask(
  choice: { readonly kubeconfig?: string; readonly context?: string } = { kubeconfig: file() },
): Promise<Echo> {
  const connection = await ApiConnection.open(choice);
  try {
    return JSON.parse((await connection.get('/', new AbortController().signal)).toString('utf8')) as Echo;
  } finally {
    connection.close();
  }
}

describe('who one is', () => {
  test.each<[string, Fields | undefined, Partial<Echo>]>([
    ['token', { token: 'secret' }, { authorization: 'Bearer secret' }],
    ['tokenFile, beside the kubeconfig and trimmed', { tokenFile: 'token' }, { authorization: 'Bearer of-file' }],
    ['tokenFile goes before token', { token: 'no', tokenFile: 'token' }, { authorization: 'Bearer of-file' }],
    ['username and password', { username: 'me', password: 'pw' }, { authorization: `Basic ${base64('me:pw')}` }],
    [
      'client-certificate and client-key, beside it',
      { 'client-certificate': 'ca.crt', 'client-key': './client.key' },
      { certificate: 'podwall.test' },
    ],
    [
      'client-certificate-data and client-key-data',
      { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) },
      { certificate: 'podwall.test' },
    ],
    ['as', { token: 'a', as: 'jane' }, { impersonation: { user: 'jane' } }],
    [
      'as-uid, as-groups, as-user-extra',
      { token: 'a', as: 'jane', 'as-uid': '7', 'as-groups': ['dev', 'ops'], 'as-user-extra': { 'x.y/z': ['1', '2'] } },
      { impersonation: { user: 'jane', uid: '7', group: 'dev, ops', 'extra-x.y%2fz': '1, 2' } },
    ],
    [
      'auth-provider oidc with an id-token that holds',
      { 'auth-provider': { name: 'oidc', config: { 'id-token': `e.${base64('{"exp":99999999999}')}.s` } } },
      { authorization: `Bearer e.${base64('{"exp":99999999999}')}.s` },
    ],
    ['nobody', undefined, { impersonation: {} }],
  ])('%s', async (_, user, expected) => {
    await write({ server: secure.url, ...trusted }, user);
    expect(await ask()).toMatchObject(expected);
  });

  test('an id-token that has expired is not sent, and the error says who renews it', async () => {
    const config = { 'id-token': `e.${base64('{"exp":1}')}.s`, 'refresh-token': 'r' };
    await write({ server: plain.url }, { 'auth-provider': { name: 'oidc', config } });
    await expect(ask()).rejects.toThrow(
      'the id-token of auth-provider oidc has expired: any command of kubectl renews it',
    );
  });

  test('an empty tokenFile is no token', async () => {
    await write({ server: plain.url }, { tokenFile: 'empty' });
    await expect(ask()).rejects.toThrow('/empty is empty');
  });
});

describe('a plugin', () => {
  const exec = (more: Fields = {}): Fields => ({
    exec: {
      apiVersion,
      command: './plugin.sh',
      interactiveMode: 'Never',
      env: [{ name: 'WHERE', value: folder }],
      ...more,
    },
  });
  const answer = (status: unknown, more: Fields = {}): Promise<void> =>
    writeFile(file('answer'), JSON.stringify({ apiVersion, kind: 'ExecCredential', status, ...more }));
  const heard = async (): Promise<unknown> => JSON.parse(await readFile(file('info'), 'utf8'));

  test('beside the kubeconfig, with its env: a token; it hears of the cluster only on request', async () => {
    await answer({ token: 'by-plugin' });
    await write({ server: plain.url }, exec());
    expect(await ask()).toMatchObject({ authorization: 'Bearer by-plugin' });
    expect(await heard()).toEqual({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
    const authority = { 'certificate-authority': 'ca.crt' };
    const extensions = [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'a' } }];
    await write({ server: plain.url, ...authority, extensions }, exec({ provideClusterInfo: true }));
    await ask();
    expect(await heard()).toMatchObject({
      spec: {
        cluster: { server: plain.url, 'certificate-authority-data': base64(certificate), config: { audience: 'a' } },
      },
    });
  });

  test('a certificate and its key', async () => {
    await answer({ clientCertificateData: certificate, clientKeyData: key });
    await write({ server: secure.url, ...trusted }, exec());
    expect(await ask()).toMatchObject({ certificate: 'podwall.test' });
  });

  test('v1beta1, where interactiveMode may be absent', async () => {
    const version = 'client.authentication.k8s.io/v1beta1';
    await answer({ token: 'old' }, { apiVersion: version });
    await write({ server: plain.url }, exec({ apiVersion: version, interactiveMode: undefined }));
    expect(await ask()).toMatchObject({ authorization: 'Bearer old' });
  });

  test('what it said holds until it expires', async () => {
    await write({ server: plain.url }, exec());
    const tokens = async (expirationTimestamp?: string): Promise<readonly (string | undefined)[]> => {
      await answer({ token: 'first', expirationTimestamp });
      const connection = await ApiConnection.open({ kubeconfig: file() });
      const get = async (): Promise<string | undefined> =>
        (JSON.parse((await connection.get('/', new AbortController().signal)).toString()) as Echo).authorization;
      const first = await get();
      await answer({ token: 'second', expirationTimestamp });
      const second = await get();
      connection.close();
      return [first, second];
    };
    expect(await tokens()).toEqual(['Bearer first', 'Bearer first']);
    expect(await tokens('2001-01-01T00:00:00Z')).toEqual(['Bearer first', 'Bearer second']);
  });

  test('is run once for all who ask at the same time', async () => {
    await answer({ token: 't' });
    await writeFile(file('plugin.sh'), '#!/bin/sh\necho ran >> "$WHERE/runs"\ncat "$WHERE/answer"\n');
    await write({ server: plain.url }, exec());
    const connection = await ApiConnection.open({ kubeconfig: file() });
    await Promise.all([1, 2, 3, 4].map(() => connection.get('/', new AbortController().signal)));
    connection.close();
    expect(await readFile(file('runs'), 'utf8')).toBe('ran\n');
  });

  test.each<[string, unknown, Fields, string]>([
    [
      'another version',
      { token: 't' },
      { apiVersion: 'client.authentication.k8s.io/v1beta1' },
      'not ExecCredential of',
    ],
    ['nothing', undefined, {}, 'neither a token nor a certificate'],
    ['a certificate alone', { clientCertificateData: certificate }, {}, 'without its key'],
  ])('that answers %s is named', async (_, status, more, text) => {
    await answer(status, more);
    await write({ server: plain.url }, exec());
    await expect(ask()).rejects.toThrow(text);
  });

  test('that is not there: with the hint of its kubeconfig', async () => {
    await write({ server: plain.url }, exec({ command: './absent', installHint: 'get it from example.com' }));
    await expect(ask()).rejects.toThrow('get it from example.com');
  });
});

describe('how one comes to the server', () => {
  const token = { token: 't' };

  test.each<[string, Fields, Partial<Echo>]>([
    [
      'certificate-authority, beside it',
      { 'certificate-authority': 'ca.crt', 'tls-server-name': 'podwall.test' },
      { servername: 'podwall.test' },
    ],
    ['tls-server-name', trusted, { servername: 'podwall.test' }],
    ['insecure-skip-tls-verify', { 'insecure-skip-tls-verify': true }, { authorization: 'Bearer t' }],
    ['disable-compression', { ...trusted, 'disable-compression': true }, { authorization: 'Bearer t' }],
  ])('%s', async (_, cluster, expected) => {
    await write({ server: `${secure.url}/`, ...cluster }, token);
    expect(await ask()).toMatchObject(expected);
  });

  test.each<[string, Fields]>([
    ['an authority that nobody named', {}],
    ['another name than its certificate has', { 'certificate-authority-data': base64(certificate) }],
  ])('a server with %s is refused, and by nobody, too', async (_, cluster) => {
    for (const user of [token, undefined]) {
      await write({ server: secure.url, ...cluster }, user);
      await expect(ask()).rejects.toThrow(/certificate|altnames/);
    }
  });

  test.each(['http', 'socks5'] as const)('proxy-url by %s, to a server with TLS and to one without', async (scheme) => {
    await using proxy = await (scheme === 'http' ? ForwardProxy.start() : SocksProxy.start());
    await write({ server: secure.url, ...trusted, 'proxy-url': proxy.url }, token);
    expect(await ask()).toMatchObject({ authorization: 'Bearer t', servername: 'podwall.test' });
    await write({ server: plain.url, 'proxy-url': proxy.url }, token);
    expect(await ask()).toMatchObject({ authorization: 'Bearer t' });
    expect(proxy.served).toBe(2);
  });
});

describe('which file, and which context', () => {
  test('the first file counts for each name and for the current context; paths are of the file that names them', async () => {
    await mkdir(file('b'));
    await writeFile(file('b/token'), 'of-b');
    await write({ server: plain.url }, undefined, 'a', { contexts: [], 'current-context': '' });
    await write({ server: 'http://127.0.0.1:1' }, { tokenFile: 'token' }, 'b/config');
    process.env['KUBECONFIG'] = ['', file('absent'), file('a'), file('b/config')].join(delimiter);
    expect(await ask({})).toMatchObject({ authorization: 'Bearer of-b' });
  });

  test('~/.kube/config, then KUBERNETES_MASTER, then none', async () => {
    process.env = { ...environment, HOME: folder };
    delete process.env['KUBECONFIG'];
    await expect(ask({})).rejects.toThrow('no cluster: give --kubeconfig');
    process.env['KUBERNETES_MASTER'] = plain.url;
    expect(await ask({})).toEqual({ impersonation: {} });
    await mkdir(file('.kube'));
    await write({ server: plain.url }, { token: 'mine' }, '.kube/config');
    expect(await ask({})).toMatchObject({ authorization: 'Bearer mine' });
  });

  test('--context goes before current-context; what is wrong with another context does not matter', async () => {
    const contexts = [
      { name: 'c', context: { cluster: 'gone' } },
      { name: 'd', context: { cluster: 'k', user: 'u' } },
    ];
    const clusters = [
      { name: 'bad', cluster: {} },
      { name: 'k', cluster: { server: plain.url } },
    ];
    await write({}, { token: 't' }, 'config', { contexts, clusters });
    expect(await ask({ kubeconfig: file(), context: 'd' })).toMatchObject({ authorization: 'Bearer t' });
  });
});

describe('is refused, by file and field', () => {
  const exec = { apiVersion, command: 'cat', interactiveMode: 'Never' };

  test.each<[text: string, cluster: Fields, user: Fields]>([
    ['cluster k: certificate-authority cannot be read: /', { 'certificate-authority': '/absent' }, {}],
    [
      'cluster k: certificate-authority and certificate-authority-data exclude',
      { ...trusted, 'certificate-authority': 'ca.crt' },
      {},
    ],
    ['cluster k: certificate-authority-data is not PEM in base64', { 'certificate-authority-data': 'AAAA' }, {}],
    [
      'cluster k: insecure-skip-tls-verify and a certificate authority exclude',
      { ...trusted, 'insecure-skip-tls-verify': true },
      {},
    ],
    ['cluster k: insecure-skip-tls-verify must be true or false', { 'insecure-skip-tls-verify': 'true' }, {}],
    ['cluster k: proxy-url "ftp://p": the scheme must be http, https or socks5', { 'proxy-url': 'ftp://p' }, {}],
    ['user u: client-certificate needs client-key', {}, { 'client-certificate': 'ca.crt' }],
    ['user u: client-key cannot be read: /', {}, { 'client-certificate': 'ca.crt', 'client-key': '/absent' }],
    ['user u: token and username exclude each other', {}, { token: 't', username: 'me' }],
    ['user u: as-groups needs as', {}, { token: 't', 'as-groups': ['dev'] }],
    ['user u: auth-provider "gcp" is no longer there', {}, { 'auth-provider': { name: 'gcp' } }],
    ['user u: auth-provider oidc has no id-token', {}, { 'auth-provider': { name: 'oidc' } }],
    ['user u: exec and auth-provider exclude', {}, { exec, 'auth-provider': { name: 'oidc' } }],
    ['user u: exec.command is missing', {}, { exec: { ...exec, command: undefined } }],
    [
      'user u: exec.apiVersion "client.authentication.k8s.io/v1alpha1"',
      {},
      { exec: { ...exec, apiVersion: 'client.authentication.k8s.io/v1alpha1' } },
    ],
    ['user u: exec.interactiveMode must be', {}, { exec: { ...exec, interactiveMode: undefined } }],
    ['user u: exec.interactiveMode: Always', {}, { exec: { ...exec, interactiveMode: 'Always' } }],
    ['user u: exec.env: a variable without a name', {}, { exec: { ...exec, env: [{ value: 'v' }] } }],
  ])('%s', async (text, cluster, user) => {
    await write({ server: secure.url, ...cluster }, user);
    const asked = ask();
    await expect(asked).rejects.toThrow(InputError);
    await expect(asked).rejects.toThrow(`${file()}: ${text}`);
  });

  test.each<[text: string, content: string]>([
    ['users: the name u appears twice', '{"users": [{"name": "u"}, {"name": "u"}]}'],
    ['clusters: must be a list', '{"clusters": {}}'],
    ['kind: "Pod" is no kubeconfig', '{"kind": "Pod"}'],
    ['is not a kubeconfig', '[]'],
  ])('%s', async (text, content) => {
    await writeFile(file(), content);
    await expect(ask()).rejects.toThrow(`${file()}: ${text}`);
  });
});
