import { describe, expect, test } from '@jest/globals';
import { eventName } from '../../../src/cluster/api-server/report-writer.js';
import type { ClusterEvent } from '../../../src/cluster/types.js';
import type { EnforcedPolicy, NodePolicyStatus } from '../../../src/model/node-policy-status.js';
import { ConditionEvents } from '../../../src/node/reports/condition-events.js';
import { NodePolicyStatusReport } from '../../../src/node/reports/node-policy-status-report.js';
import { idlePolicies, eventConditions } from '../../../src/node/reports/event-conditions.js';
import { parseNamespace, parseNetworkPolicy, parsePod } from '../../../src/model/parse.js';
import type { ReconcilerStatus } from '../../../src/reconciler/types.js';
import { annotated, namespace, pod, policy } from '../../cases/objects.js';
import { ManualClock } from '../../support/manual-clock.js';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const nothing = (): void => undefined;
const idle: ReconcilerStatus = {
  ready: true,
  revision: 1,
  repairs: 0,
  failures: 0,
  policies: 1,
  waiting: 0,
  endpoints: [],
  failing: [],
  overLimits: [],
  policyMemory: 0,
  mode: 'enforce',
  dryRun: [],
  unattached: [],
  unfiltered: [],
  problems: [],
  warnings: [],
};

class Reporter {
  readonly clock = new ManualClock();
  readonly warnings: string[] = [];
  failures = 0;
  refuse = false;
  readonly log = {
    info: nothing,
    error: nothing,
    debug: nothing,
    warn: (fields: Readonly<Record<string, unknown>>, message: string): void =>
      void this.warnings.push(`${message}: ${String(fields['error'])}`),
  };
  readonly onFailure = (): void => void (this.failures += 1);

  protected refuseIfAsked(): Promise<void> {
    return this.refuse ? Promise.reject(new Error('away')) : Promise.resolve();
  }

  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    await settle();
  }
}

class StatusReporter extends Reporter {
  enforced: readonly EnforcedPolicy[] | undefined = [];
  readonly written: NodePolicyStatus[] = [];
  readonly report = new NodePolicyStatusReport({
    reconciler: { enforced: () => this.enforced, status: () => idle },
    write: async (status) => {
      await this.refuseIfAsked();
      this.written.push(status);
    },
    onFailure: this.onFailure,
    clock: this.clock,
    log: this.log,
  });
}

describe('the status that a node reports', () => {
  test('one write a second at most, and none that says nothing new before half a minute has passed', async () => {
    const reporter = new StatusReporter();
    reporter.report.changed();
    await reporter.pass(0);
    for (let change = 1; change <= 10; change += 1) {
      reporter.enforced = [{ namespace: 'x', name: 'web', generation: change, pods: 1 }];
      reporter.report.changed();
      await reporter.pass(100);
    }
    expect(reporter.written.map(({ policies }) => policies[0]?.generation)).toEqual([undefined, 10]);
    for (let turn = 0; turn < 5; turn += 1) {
      reporter.report.changed();
      await reporter.pass(2_000);
    }
    expect(reporter.written).toHaveLength(2);
    await reporter.pass(30_000);
    expect(reporter.written).toHaveLength(3);
    await reporter.report[Symbol.asyncDispose]();
  });

  test('what is on its way into the kernel is not reported', async () => {
    const reporter = new StatusReporter();
    reporter.enforced = undefined;
    reporter.report.changed();
    await reporter.pass(5_000);
    expect(reporter.written).toEqual([]);
    reporter.enforced = [];
    reporter.report.changed();
    await reporter.pass(1_000);
    expect(reporter.written).toHaveLength(1);
    await reporter.report[Symbol.asyncDispose]();
  });

  test('a server that is away is asked again and again, with one line in the log', async () => {
    const reporter = new StatusReporter();
    reporter.refuse = true;
    reporter.report.changed();
    for (let turn = 0; turn < 10; turn += 1) await reporter.pass(10_000);
    expect(reporter.warnings).toEqual(['NodePolicyStatus not written: away']);
    expect(reporter.failures).toBeGreaterThan(5);
    reporter.refuse = false;
    await reporter.pass(30_000);
    expect(reporter.written).toHaveLength(1);
    await reporter.report[Symbol.asyncDispose]();
  });
});

class EventReporter extends Reporter {
  conditions: readonly ClusterEvent[] = [];
  idle: readonly ClusterEvent[] = [];
  looks = 0;
  readonly written: string[] = [];
  readonly report = new ConditionEvents({
    conditions: () => this.conditions,
    idlePolicies: () => {
      this.looks += 1;
      return this.idle;
    },
    write: async ({ object, reason }) => {
      if (object.name === 'refused') throw new Error('namespace is being terminated');
      await this.refuseIfAsked();
      this.written.push(`${reason} ${object.name}`);
    },
    onFailure: this.onFailure,
    clock: this.clock,
    log: this.log,
  });
}

const event = (reason: ClusterEvent['reason'], name: string): ClusterEvent => ({
  object: { kind: reason === 'NotEnforced' ? 'Pod' : 'NetworkPolicy', namespace: 'x', name, uid: `uid-${name}` },
  type: 'Warning',
  reason,
  message: 'as it is',
});

describe('the events that a node writes', () => {
  test('what fails closed at once, what may pass by itself later, each once an hour', async () => {
    const reporter = new EventReporter();
    reporter.conditions = [event('FailsClosed', 'bad'), event('NotEnforced', 'pod')];
    reporter.idle = [event('SelectsNoPod', 'early')];
    reporter.report.changed();
    await reporter.pass(0);
    expect(reporter.written).toEqual(['FailsClosed bad']);
    await reporter.pass(30_000);
    expect(reporter.written).toEqual(['FailsClosed bad', 'NotEnforced pod']);
    for (let turn = 0; turn < 10; turn += 1) await reporter.pass(30_000);
    expect(reporter.written).toEqual(['FailsClosed bad', 'NotEnforced pod', 'SelectsNoPod early']);
    for (let turn = 0; turn < 100; turn += 1) await reporter.pass(30_000);
    expect(reporter.written).toHaveLength(6);
    // The whole cluster is looked at every few minutes only, however often the report runs.
    expect(reporter.looks).toBeLessThan(30);
    await reporter.report[Symbol.asyncDispose]();
  });

  test('what passed in time is not written', async () => {
    const reporter = new EventReporter();
    reporter.conditions = [event('NotEnforced', 'pod')];
    reporter.report.changed();
    await reporter.pass(0);
    reporter.conditions = [];
    await reporter.pass(60_000);
    reporter.conditions = [event('NotEnforced', 'pod')];
    reporter.report.changed();
    await reporter.pass(5_000);
    expect(reporter.written).toEqual([]);
    await reporter.report[Symbol.asyncDispose]();
  });

  test('one that is refused keeps back no other; many come in turns', async () => {
    const reporter = new EventReporter();
    reporter.conditions = ['refused', ...Array.from({ length: 45 }, (_, index) => `bad-${index}`)].map((name) =>
      event('FailsClosed', name),
    );
    reporter.report.changed();
    await reporter.pass(0);
    expect(reporter.written).toHaveLength(19);
    for (let turn = 0; turn < 20; turn += 1) await reporter.pass(30_000);
    expect(reporter.written).toHaveLength(45);
    expect(reporter.warnings).toEqual(['Event not written: namespace is being terminated']);
    await reporter.report[Symbol.asyncDispose]();
  });

  test('every node gives one condition the same name, and another name to any other', () => {
    const one = event('FailsClosed', 'bad');
    expect(eventName(one)).toBe(eventName({ ...one, object: { ...one.object } }));
    const others = [
      { ...one, message: 'otherwise' },
      { ...one, reason: 'SelectsNoPod' as const },
      { ...one, object: { ...one.object, uid: 'another' } },
    ];
    expect(new Set([one, ...others].map(eventName)).size).toBe(4);
    expect(eventName({ ...one, object: { ...one.object, name: 'n'.repeat(253) } })).toHaveLength(253);
  });

  test('policies that fail closed and pods that are not enforced become Events, with what is wrong', () => {
    const [failing, unattached, unfiltered] = eventConditions({
      failing: [{ kind: 'NetworkPolicy', namespace: 'x', name: 'bad', uid: 'u', reasons: ['spec.ingress: no'] }],
      overLimits: [],
      unattached: [{ pod: { namespace: 'x', name: 'p' }, podUid: 'v', reason: 'no route to 10.0.0.1' }],
      unfiltered: [{ pod: { namespace: 'x', name: 'q' }, podUid: 'w', reason: 'net.bridge.x is 0' }],
      problems: [],
    });
    expect(unfiltered).toMatchObject({
      object: { uid: 'w' },
      reason: 'BridgeNotFiltered',
      message: 'net.bridge.x is 0',
    });
    expect(failing).toMatchObject({ object: { kind: 'NetworkPolicy', uid: 'u' }, reason: 'FailsClosed' });
    expect(failing?.message).toContain('spec.ingress: no');
    expect(unattached).toMatchObject({ object: { kind: 'Pod', uid: 'v' }, reason: 'NotEnforced' });
    expect(unattached?.message).toContain('no route to 10.0.0.1');
  });

  test('a mode that is unknown, and the previous name of dry-run, become an event of their policy or Namespace', () => {
    const ofPolicy = parseNetworkPolicy(annotated(policy('p.x', {}), { 'podwall.dev/mode': 'audit' }), {
      strict: true,
    });
    const ofNamespace = parseNamespace(annotated(namespace('x'), { 'podwall.dev/mode': 'Dry-Run' }));
    const events = eventConditions({
      failing: [],
      overLimits: [],
      unattached: [],
      unfiltered: [],
      problems: [
        ...ofPolicy.diagnostics.map((diagnostic) => ({
          object: { kind: 'NetworkPolicy', namespace: 'x', name: 'p', uid: 'u' },
          diagnostic,
        })),
        ...ofNamespace.diagnostics.map((diagnostic) => ({ object: { kind: 'Namespace', name: 'x' }, diagnostic })),
        { diagnostic: { code: 'api-server', severity: 'error', path: [], message: 'away' } },
      ],
    });
    expect(events).toEqual([
      {
        object: { kind: 'NetworkPolicy', namespace: 'x', name: 'p', uid: 'u' },
        type: 'Warning',
        reason: 'RenamedMode',
        message: expect.stringContaining('write podwall.dev/mode: dry-run'),
      },
      {
        object: { kind: 'Namespace', namespace: 'x', name: 'x' },
        type: 'Warning',
        reason: 'UnknownMode',
        message: expect.stringContaining('supported values: "dry-run", "enforce"; it is enforced'),
      },
    ]);
  });

  test('a policy is idle when it selects no pod of its own namespace; a finished pod is one', () => {
    const selecting = (name: string) => {
      const parsed = parseNetworkPolicy(policy(name, { podSelector: { matchLabels: { app: 'job' } } }), {
        strict: true,
      });
      return parsed.ok ? [parsed.value] : [];
    };
    const finished = parsePod({
      ...pod('job.x', { node: 'n1', addresses: ['10.244.1.11'], labels: { app: 'job' } }),
      status: { phase: 'Succeeded' },
    });
    const idleOnes = idlePolicies({
      policies: [...selecting('used.x'), ...selecting('idle.y')],
      pods: finished.ok ? [finished.value] : [],
      namespaces: [],
      nodes: [],
    });
    expect(idleOnes.map(({ object, reason }) => [object.namespace, object.name, reason])).toEqual([
      ['y', 'idle', 'SelectsNoPod'],
    ]);
  });
});
