/** How often what is not watched is listed. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from '../cases/objects.js';
import { FakeApiServer } from '../support/fake-api-server.js';
import { until } from '../support/until.js';
import { Followed, object } from './api-server-suite.js';

let followed: Followed<FakeApiServer>;
let server: FakeApiServer;

beforeEach(async () => {
  server = await FakeApiServer.start();
  followed = await Followed.start(server);
});
afterEach(() => followed[Symbol.asyncDispose]());

const lists = (): number => server.requests.filter((path) => path.includes('metadata.name!%3D')).length;

/** An address is not found all the time, until so many lists were asked for. */
async function missUntilLists(count: number): Promise<void> {
  while (lists() < count) {
    followed.cluster.addressNotFound?.();
    await delay(5);
  }
}

test('while nothing is missed, at the interval only', async () => {
  await followed.sync({ node: 'n1', pollTimes: { every: 300, soonest: 10 } });
  const began = performance.now();
  await until(() => lists() >= 4);
  // Each pause is a tenth shorter at most.
  expect(performance.now() - began).toBeGreaterThan(3 * 270 - 100);
});

test('however much is missed, ever more rarely while asking is in vain', async () => {
  await followed.sync({ node: 'n1', pollTimes: { every: 600_000, soonest: 100 } });
  const began = performance.now();
  await missUntilLists(5);
  // Pauses of 100, 200, 400 and 800 ms; without the doubling they would be 400 together.
  expect(performance.now() - began).toBeGreaterThan(1300);
});

test('a list that brings something is followed by the next one as soon as at first', async () => {
  await followed.sync({ node: 'n1', pollTimes: { every: 600_000, soonest: 100 } });
  let version = 0;
  const miss = async (): Promise<void> => {
    version += 1;
    server.put(
      object({ ...node('n2'), status: { addresses: [{ type: 'InternalIP', address: `172.30.9.${version}` }] } }),
    );
    followed.cluster.addressNotFound?.();
    await until(() =>
      followed.cluster.snapshot().nodes.some(({ addresses }) => addresses.join() === `172.30.9.${version}`),
    );
  };
  const began = performance.now();
  for (let index = 0; index < 8; index += 1) await miss();
  // With doubling the eighth alone would come after 12.8 s.
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(lists()).toBe(9);
});

test('a list that fails is tried again, and said to be forbidden', async () => {
  server.put(object(node('n2')));
  await followed.sync({ node: 'n1', pollTimes: { every: 50, soonest: 10 } });
  server.forbid('Node');
  await until(() => followed.errors.some((text) => text.startsWith('list of nodes is forbidden (RBAC)')));
  await until(() => followed.cluster.staleSince() !== undefined);
  expect(followed.cluster.snapshot().nodes).toHaveLength(2);
  server.permit('Node');
  await until(() => followed.cluster.staleSince() === undefined);
});
