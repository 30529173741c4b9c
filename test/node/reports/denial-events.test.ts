import { describe, expect, test } from '@jest/globals';
import type { LoggedPacket } from '../../../src/audit/attribution/logged-packet.js';
import { eventName } from '../../../src/cluster/api-server/report-writer.js';
import type { ClusterEvent } from '../../../src/cluster/types.js';
import type { Address } from '../../../src/model/address.js';
import { parsePod } from '../../../src/model/parse.js';
import type { Observation } from '../../../src/model/observation.js';
import type { Pod } from '../../../src/model/pod.js';
import { DenialEvents } from '../../../src/node/reports/denial-events.js';
import { pod } from '../../cases/objects.js';
import { ManualClock } from '../../support/manual-clock.js';

function podOf(name: string, address: string): Pod {
  const object = pod(`${name}.x`, { node: 'n1', addresses: [address] });
  const parsed = parsePod({ ...object, metadata: { ...object.metadata, uid: `uid-${name}` } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.value;
}
const end = (name: string, address: string, port?: number) => ({
  class: 'pod' as const,
  address: address as Address,
  pod: podOf(name, address),
  ...(port === undefined ? {} : { port }),
});

const into = (name: string, policies: readonly string[] = ['deny']): LoggedPacket => ({
  packet: { time: 0 } as Observation,
  sender: end('client', '10.244.1.11'),
  chain: 'deny-in',
  verdict: 'deny',
  mode: 'enforce',
  reason: 'default-deny',
  direction: 'ingress',
  source: end('client', '10.244.1.11', 40_000),
  destination: end(name, '10.244.1.12', 80),
  isolating: policies.map((policy) => ({ kind: 'NetworkPolicy', namespace: 'x', name: policy })),
  trace: [],
});
const counted = (count: number, start: number, last = start) => ({ count, start, end: last, bytes: 60 * count });

const silent = () => undefined;
function start(refuse: (event: ClusterEvent) => boolean = () => false) {
  const clock = new ManualClock();
  const written: ClusterEvent[] = [];
  const report = new DenialEvents({
    write: (event) => {
      if (refuse(event)) return Promise.reject(new Error('no'));
      written.push(event);
      return Promise.resolve();
    },
    onFailure: silent,
    clock,
    log: { info: silent, warn: silent, error: silent, debug: silent },
  });
  const pass = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { report, written, pass };
}

describe('events of denials', () => {
  test('one event for a pod and its policies, whose count grows in place', async () => {
    const { report, written, pass } = start();
    report.denied(into('server'), counted(1, 1_000));
    await pass(0);
    report.denied(into('server'), counted(41, 2_000, 9_000));
    await pass(30_000);
    expect(written).toHaveLength(1);
    await pass(30_000);
    await pass(30_000);
    expect(written.map(({ repeated }) => repeated)).toMatchObject([
      { count: 1, first: 1_000, last: 1_000 },
      { count: 42, first: 1_000, last: 9_000 },
    ]);
    expect(written[0]).toMatchObject({
      object: { kind: 'Pod', namespace: 'x', name: 'server', uid: 'uid-server' },
      reason: 'NetworkPolicyDenied',
      message: 'ingress denied by x/deny; the last from x/client (10.244.1.11), port 80',
    });
    expect(new Set(written.map(eventName)).size).toBe(1);
    await report[Symbol.asyncDispose]();
  });

  test('what passed is no event: a flow that is recorded, and what a dry run would deny or allow', async () => {
    const { report, written, pass } = start();
    for (const [verdict, mode] of [
      ['deny', 'dry-run'],
      ['allow', 'dry-run'],
      ['allow', 'enforce'],
    ] as const)
      report.denied({ ...into('server'), verdict, mode }, counted(1, 0));
    report.denied(into('server'), counted(2, 0));
    await pass(40_000);
    await report[Symbol.asyncDispose]();
    expect(written.map(({ repeated }) => repeated?.count)).toEqual([2]);
  });

  test('another set of policies is another event; what nobody sends any more is not written again', async () => {
    const { report, written, pass } = start();
    report.denied(into('server'), counted(1, 0));
    report.denied(into('server', ['deny', 'more']), counted(1, 0));
    for (let turn = 0; turn < 10; turn += 1) await pass(30_000);
    expect(written).toHaveLength(2);
    expect(new Set(written.map(eventName)).size).toBe(2);
    await report[Symbol.asyncDispose]();
  });

  test('a flood over many pods is written in turns, and one that is refused keeps back no other', async () => {
    const { report, written, pass } = start(({ object }) => object.name === 'pod-0');
    for (let index = 0; index < 25; index += 1) report.denied(into(`pod-${index}`), counted(1, 0));
    await pass(0);
    expect(written).toHaveLength(9);
    for (let turn = 0; turn < 4; turn += 1) await pass(30_000);
    expect(new Set(written.map(({ object }) => object.name)).size).toBe(24);
    await report[Symbol.asyncDispose]();
  });
});
