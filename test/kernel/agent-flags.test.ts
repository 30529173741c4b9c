/** An agent over the rules of one with other flags: what differs is changed without a failure, and never a wrong packet. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { policy } from '../cases/objects.js';
import type { AgentFlags } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { app, threePods } from './three-pods.js';

const onlyClient = policy('server.x', {
  podSelector: app('server'),
  ingress: [{ from: [{ podSelector: app('client') }] }],
});

describePackets('an agent with other flags than the last one', () => {
  let lab: Lab;
  const outcomes = (): Promise<readonly string[]> =>
    lab.prober.probe(
      ['client.x', 'other.x'].map((name) => ({
        from: lab.netns(name),
        to: '10.244.1.13',
        port: 80,
        protocol: 'TCP' as const,
      })),
      300,
    );
  const restart = async (flags: AgentFlags): Promise<Readonly<Record<string, unknown>>> => {
    await lab.stopAgents();
    const placed = Object.fromEntries(
      Object.entries(flags).map(([name, value]) => [name, value.replace('FOLDER', lab.folder)]),
    );
    const agent = await lab.startAgent('n1', { manifests: join(lab.folder, 'manifests'), ...placed });
    return agent.status();
  };

  beforeAll(async () => {
    lab = await threePods([onlyClient]);
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each<[string, AgentFlags, readonly string[]]>([
    ['records', { 'audit-log': 'FOLDER/audit.jsonl' }, ['allowed', 'blocked']],
    ['records with other limits', { 'audit-log': 'FOLDER/audit.jsonl', 'audit-rate': '7' }, ['allowed', 'blocked']],
    ['a dry run of everything', { 'audit-log': 'FOLDER/audit.jsonl', mode: 'dry-run' }, ['allowed', 'allowed']],
    ['a dry run that only counts', { mode: 'dry-run' }, ['allowed', 'allowed']],
    ['enforcing again', {}, ['allowed', 'blocked']],
    ['established flows kept', { established: 'keep' }, ['allowed', 'blocked']],
  ])(
    '%s',
    async (_, flags, expected) => {
      expect(await restart(flags)).toMatchObject({ ready: true, failures: 0 });
      expect(await outcomes()).toEqual(expected);
    },
    30_000,
  );
});
