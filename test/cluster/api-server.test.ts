/** The API server as a source, on the fake one: what it shares with the real one, and what only a fake can be made to do. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiServerSource } from '../../src/cluster/api-server/api-server-source.js';
import { InputError } from '../../src/generic/input-error.js';
import { policy } from '../cases/objects.js';
import { FakeApiServer } from '../support/fake-api-server.js';
import { ForwardProxy } from '../support/forward-proxy.js';
import { kubeconfigOf } from '../support/kubeconfig.js';
import { until } from '../support/until.js';
import { Followed, followsApiServer, object, podNames, podNumbered, times } from './api-server-suite.js';

followsApiServer('a fake API server', () => FakeApiServer.start());

describe('the API server as a source', () => {
  let followed: Followed<FakeApiServer>;
  let server: FakeApiServer;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    followed = await Followed.start(server);
  });
  afterEach(() => followed[Symbol.asyncDispose]());

  test.each(['refused', 'error in the stream', 'never ends'] as const)(
    'streamed lists: %s; everything is there by pages',
    async (streams) => {
      server.faults.streams = streams;
      for (let index = 4; index <= 1200; index += 1) server.put(podNumbered(index));
      expect((await followed.sync()).snapshot().pods).toHaveLength(1200);
      expect(server.requests.some((path) => path.includes('continue='))).toBe(true);
      server.put(podNumbered(2000));
      await until(() => podNames(followed.cluster).includes('p2000'));
    },
  );

  test('a cluster without the namespace kube-system has no uid', async () => {
    expect((await followed.sync()).uid?.()).toBeUndefined();
  });

  test('labels and ports that are equal are one object, after a list and after an event', async () => {
    await followed.sync();
    server.put(podNumbered(4));
    await until(() => followed.cluster.snapshot().pods.length === 4);
    const { pods } = followed.cluster.snapshot();
    expect(new Set(pods.map(({ labels }) => labels)).size).toBe(1);
    expect(new Set(pods.map(({ ports }) => ports)).size).toBe(1);
  });

  test('a watch that falls silent is opened again', async () => {
    await followed.sync();
    const before = server.requests.length;
    await until(() => server.requests.length >= before + 4);
    expect(podNames(followed.cluster)).toHaveLength(3);
  });

  test.each([
    ['end', 'as soon as it has begun'],
    ['gone', undefined],
  ] as const)('watches that %s at once are asked again ever more rarely', async (watches, message) => {
    server.faults.watches = watches;
    // By pages, since a streamed list goes on as the watch.
    if (watches === 'gone') server.faults.streams = 'refused';
    const began = performance.now();
    await followed.sync({ times: { ...times, firstRetry: 20, longestRetry: 500 } });
    await until(() => server.requests.length > 4 * 4);
    await delay(1200);
    // Half of 20, 40, ... 320 ms at least, then of 500; of each kind, 410 brings a list in addition.
    const most = 7 + (performance.now() - began) / 250;
    const each = server.requests.length / 4;
    expect(each).toBeLessThan(watches === 'gone' ? 2 * most : most);
    if (message !== undefined) expect(followed.errors.join()).toContain(message);
    // What is there is known all the same.
    server.faults.watches = 'last';
    server.put(podNumbered(9));
    await until(() => podNames(followed.cluster).includes('p9'));
  });

  test('a policy of a newer API is read by the fields that we know, and a bad one is broken', async () => {
    server.put(object(policy('new.x', { podSelector: {}, futureField: 1 })));
    server.put(object(policy('bad.x', { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'nonsense' } }] }] })));
    const { policies } = (await followed.sync()).snapshot();
    expect(policies.map(({ ref, kind }) => [ref.name, kind])).toEqual([
      ['deny', 'policy'],
      ['new', 'policy'],
      ['bad', 'broken'],
    ]);
    expect(followed.cluster.problems()).toMatchObject([
      { object: { name: 'new' }, diagnostic: { severity: 'warning', path: ['spec', 'futureField'] } },
      { object: { name: 'bad' }, diagnostic: { severity: 'error' } },
    ]);
  });

  test('while the server is away at the start it is waited for, until told to stop', async () => {
    await server.stop();
    const stop = new AbortController();
    const waiting = followed.source().sync(stop.signal);
    await until(() => followed.errors.length > 0);
    stop.abort();
    await expect(waiting).rejects.toThrow();
    await server.listen();
  });

  test('tokenFile of a kubeconfig: beside it, and read again when the server refuses what it said', async () => {
    const tokenFile = join(followed.config, '../token');
    await writeFile(followed.config, kubeconfigOf({ server: server.url, user: { tokenFile: 'token' } }));
    await writeFile(tokenFile, 'expired');
    const waiting = followed.sync();
    await until(() => followed.errors.length > 0);
    expect(followed.errors[0]).toContain('does not accept our credentials');
    await writeFile(tokenFile, 'secret');
    expect((await waiting).snapshot().pods).toHaveLength(3);
  });

  test('a plugin of the kubeconfig is asked for credentials, and again when they are refused', async () => {
    const answer = join(followed.config, '../answer');
    const credential = (token: string) =>
      writeFile(answer, JSON.stringify({ kind: 'ExecCredential', apiVersion: plugin.apiVersion, status: { token } }));
    const plugin = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'cat',
      args: [answer],
      interactiveMode: 'Never',
    } as const;
    await writeFile(followed.config, kubeconfigOf({ server: server.url, user: { exec: plugin } }));
    await credential('expired');
    const waiting = followed.sync();
    await until(() => followed.errors.some((message) => message.includes('does not accept our credentials')));
    await credential('secret');
    expect((await waiting).snapshot().pods).toHaveLength(3);
  });

  test('a plugin that cannot be run is named, and tried again', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'no-such-plugin',
      interactiveMode: 'Never',
    } as const;
    await writeFile(followed.config, kubeconfigOf({ server: server.url, user: { exec } }));
    const waiting = followed.sync();
    await until(() => followed.errors.some((message) => message.includes('no-such-plugin')));
    expect(followed.errors.join()).toMatch(/^\w+: credentials: /);
    await writeFile(followed.config, server.kubeconfig);
    void waiting.catch(() => undefined);
  });

  test('a server without TLS needs no word about certificates', async () => {
    await writeFile(followed.config, server.kubeconfig.replace(',"insecure-skip-tls-verify":true', ''));
    expect((await followed.sync()).snapshot().pods).toHaveLength(3);
  });

  describe('several files of KUBECONFIG', () => {
    const before = process.env['KUBECONFIG'];
    const name = (...files: readonly string[]): string => (process.env['KUBECONFIG'] = files.join(delimiter));
    afterEach(() => {
      if (before === undefined) delete process.env['KUBECONFIG'];
      else process.env['KUBECONFIG'] = before;
    });

    test('are read as kubectl does: one that is missing is passed over, the first word counts', async () => {
      const users = `${followed.config}.users`;
      await writeFile(followed.config, server.kubeconfig.replace('"name":"agent"', '"name":"nobody"'));
      await writeFile(join(users, '..', 'token'), 'secret');
      await writeFile(users, kubeconfigOf({ server: 'http://127.0.0.1:1', user: { tokenFile: 'token' } }));
      name('/nowhere/config', followed.config, users);
      using cluster = await new ApiServerSource({ times }).sync();
      expect(cluster.snapshot().pods).toHaveLength(3);
    });

    test('none of which is there are the user’s error, and are named', async () => {
      name('/nowhere/a', '/nowhere/b');
      await expect(new ApiServerSource({ times }).sync()).rejects.toThrow(
        'no file of KUBECONFIG exists: /nowhere/a, /nowhere/b',
      );
    });
  });

  test('the proxy of a kubeconfig is on the way of lists and watches', async () => {
    await using proxy = await ForwardProxy.start();
    const config = kubeconfigOf({ server: server.url, user: { token: 'secret' }, proxy: proxy.url });
    await writeFile(followed.config, config);
    const cluster = await followed.sync();
    expect(cluster.snapshot().pods).toHaveLength(3);
    expect(proxy.served).toBeGreaterThanOrEqual(4);
    server.put(podNumbered(9));
    await until(() => podNames(cluster).includes('p9'));
  });

  test.each([
    ['a file that is not there', { kubeconfig: '/nowhere/config' }, '/nowhere/config'],
    ['a context that is not there', { context: 'other' }, 'no context other; there are: test'],
  ])('%s is the user’s error', async (_, choice, text) => {
    const wrong = followed.source(choice);
    await expect(wrong.sync()).rejects.toThrow(InputError);
    await expect(wrong.sync()).rejects.toThrow(text);
  });

  test.each([
    ['nothing in it', {}, 'there is no context'],
    ['no current-context', { 'current-context': undefined }, 'no current-context; --context chooses: c'],
    [
      'a current-context that is not there',
      { 'current-context': 'd' },
      'current-context d is not among its contexts: c',
    ],
    ['a cluster that is not there', { clusters: [] }, 'context c names cluster k, which does not exist'],
    ['a user that is not there', { users: [] }, 'context c names user u, which does not exist'],
    [
      'a server that is not an address',
      { clusters: [{ name: 'k', cluster: { server: 'host:6443' } }] },
      'cluster k: server "host:6443" is not an http(s) address',
    ],
    [
      'a proxy that is not an address',
      { clusters: [{ name: 'k', cluster: { server: 'https://host:6443', 'proxy-url': 'proxy' } }] },
      'cluster k: proxy-url "proxy" is not an address',
    ],
  ])('a kubeconfig with %s is the user’s error, and is named', async (_, parts, text) => {
    const whole = {
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      'current-context': 'c',
      clusters: [{ name: 'k', cluster: { server: server.url } }],
      users: [{ name: 'u', user: { token: 'secret' } }],
    };
    const written = Object.keys(parts).length === 0 ? {} : { ...whole, ...parts };
    await writeFile(followed.config, JSON.stringify(written));
    const wrong = followed.source();
    await expect(wrong.sync()).rejects.toThrow(InputError);
    await expect(wrong.sync()).rejects.toThrow(`${followed.config}: ${text}`);
  });
});
