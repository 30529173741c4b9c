/** What an agent's Events become: the same tests on our fake and on the real API server, so that the fake stays honest. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ReportWriter } from '../../src/cluster/api-server/report-writer.js';
import type { ClusterEvent } from '../../src/cluster/types.js';
import type { ApiObject } from '../support/fake-api-server.js';
import { until } from '../support/until.js';
import { Followed, type TestServer } from './api-server-suite.js';

export interface EventServer extends TestServer {
  events(namespace: string): readonly ApiObject[] | Promise<readonly ApiObject[]>;
}

const eventOn = (name: string): ClusterEvent => ({
  object: { kind: 'NetworkPolicy', namespace: 'x', name, uid: `uid-${name}` },
  type: 'Warning',
  reason: 'FailsClosed',
  message: 'The pods that it selects are isolated',
});
const { signal } = new AbortController();

/** `start` makes a server that keeps Events for a few seconds. */
export function writesEvents(title: string, start: () => Promise<EventServer>): void {
  describe(title, () => {
    let followed: Followed<EventServer>;
    let writer: ReportWriter;

    beforeEach(async () => {
      followed = await Followed.start(await start());
      writer = await ReportWriter.open({ kubeconfig: followed.config });
    }, 60_000);
    afterEach(async () => {
      writer[Symbol.dispose]();
      await followed[Symbol.asyncDispose]();
    }, 30_000);

    const write = (event: ClusterEvent, node = 'n1'): Promise<void> => writer.writeEvent(event, { node }, signal);
    const find = async (name: string): Promise<ApiObject | undefined> =>
      (await followed.server.events('x')).find(
        ({ involvedObject }) => (involvedObject as { name: string }).name === name,
      );

    test('one that is written again stays, as the one that it was; one that is not goes', async () => {
      await write(eventOn('lasting'));
      const first = await find('lasting');
      await write(eventOn('passing'));
      expect(await find('passing')).toBeDefined();
      await until(async () => {
        await write(eventOn('lasting'));
        return (await find('passing')) === undefined;
      }, 30_000);
      const last = await find('lasting');
      expect(last?.metadata['uid']).toBe(first?.metadata['uid']);
      expect(last).toMatchObject({ firstTimestamp: first?.['firstTimestamp'], count: 1, source: { host: 'n1' } });
      expect(String(last?.['lastTimestamp']) > String(first?.['lastTimestamp'])).toBe(true);
    }, 60_000);

    test('many nodes write one', async () => {
      await Promise.all(['n1', 'n2', 'n3', 'n4', 'n5'].map((node) => write(eventOn('bad'), node)));
      expect(await followed.server.events('x')).toHaveLength(1);
    });

    test('one that is gone is made anew', async () => {
      await write(eventOn('back'));
      await until(async () => (await find('back')) === undefined, 30_000);
      await write(eventOn('back'));
      expect(await find('back')).toMatchObject({ type: 'Warning', reason: 'FailsClosed', count: 1 });
    }, 60_000);

    test('a count that grows stands in one', async () => {
      for (const count of [1, 42])
        await write({
          ...eventOn('denied'),
          repeated: { identity: 'ingress', count, first: 1_000, last: 1_000 * count },
        });
      expect(await followed.server.events('x')).toMatchObject([
        { count: 42, firstTimestamp: '1970-01-01T00:00:01Z', lastTimestamp: '1970-01-01T00:00:42Z' },
      ]);
    });
  });
}
