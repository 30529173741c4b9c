import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { InputError } from '../../src/generic/input-error.js';
import type { AgentStatus } from '../../src/node/control-socket.js';
import { MonitoringServer, parseMonitoringAddress, type MonitoredAgent } from '../../src/node/monitoring-server.js';
import { until } from '../support/until.js';

const address = { host: '127.0.0.1', port: 19_808 };
const url = (path: string): string => `http://127.0.0.1:${address.port}${path}`;
const ask = async (path: string): Promise<[number, string]> => {
  const response = await fetch(url(path));
  return [response.status, await response.text()];
};
const agent = (status: Partial<AgentStatus>, busySince?: number): MonitoredAgent => ({
  status: () => ({ ready: false, warnings: [], ...status }) as unknown as AgentStatus,
  busySince: () => busySince,
});

describe('health over HTTP', () => {
  const warnings: string[] = [];
  let monitoring: MonitoringServer | undefined;
  const start = (): MonitoringServer => {
    const note = (_: unknown, message: string): void => void warnings.push(message);
    const log = { info: note, warn: note, error: note, debug: note };
    return (monitoring = new MonitoringServer({
      address,
      log,
      contentType: 'text/plain',
      metrics: () => Promise.resolve('x 1\n'),
    }));
  };
  const serves = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) {
      if (
        await ask('/healthz').then(
          () => true,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('nothing is served');
  };
  afterEach(async () => {
    await monitoring?.[Symbol.asyncDispose]();
    warnings.length = 0;
  });

  test('before the cluster is read it is alive and not ready, and says why', async () => {
    start();
    await serves();
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
    expect(await ask('/readyz')).toEqual([503, expect.stringContaining('has not been read')]);
    expect(await ask('/metrics')).toEqual([200, 'x 1\n']);
    expect((await ask('/'))[0]).toBe(404);
  });

  test('ready follows the agent, with its reasons', async () => {
    start();
    await serves();
    monitoring?.monitor(agent({ lastError: 'nft refuses', warnings: ['bridge-nf-call-iptables is off'] }));
    expect(await ask('/readyz')).toEqual([
      503,
      'nothing has been applied yet\nnft refuses\nbridge-nf-call-iptables is off\n',
    ]);
    monitoring?.monitor(agent({ ready: true }));
    expect(await ask('/readyz')).toEqual([200, 'ok\n']);
  });

  test('a loop that hangs in one run is not alive', async () => {
    start();
    await serves();
    monitoring?.monitor(agent({ ready: true }, performance.now() - 1000));
    expect((await ask('/healthz'))[0]).toBe(200);
    monitoring?.monitor(agent({ ready: true }, performance.now() - 61_000));
    expect(await ask('/healthz')).toEqual([503, 'the loop has been in one run for 61 s\n']);
  });

  test('an address in use stops nobody: it is logged once, and served when it is free', async () => {
    const other = createServer().listen(address);
    await new Promise((resolve) => other.once('listening', resolve));
    start();
    await until(() => warnings.length > 0);
    await new Promise((resolve) => other.close(resolve));
    await serves();
    expect(warnings).toEqual(['cannot serve metrics and health yet']);
  });

  test.each(['9808', 'host', 'host:0', '::1:9808', 'a:70000'])('%s is no address', (text) => {
    expect(() => parseMonitoringAddress(text)).toThrow(InputError);
  });
  test('addresses of both families, and off', () => {
    expect(parseMonitoringAddress('[::1]:9808')).toEqual({ host: '::1', port: 9808 });
    expect(parseMonitoringAddress('127.0.0.1:9808')).toEqual({ host: '127.0.0.1', port: 9808 });
    expect(parseMonitoringAddress('off')).toBeUndefined();
  });
});
