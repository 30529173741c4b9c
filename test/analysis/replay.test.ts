import { expect, test } from '@jest/globals';
import { Replay } from '../../src/analysis/replay.js';
import { LineReader } from '../../src/audit/reading/line-reader.js';
import { recordLine, type RecordVerdict } from '../../src/audit/record.js';
import type { PodIdentity } from '../../src/audit/snapshots/content-id.js';
import type { PolicyMode } from '../../src/model/policy-mode.js';
import { parseNetworkPolicy } from '../../src/model/parse.js';
import { policy } from '../cases/objects.js';
import { deniedRecord } from '../audit/records.js';

const identity = (namespace: string): PodIdentity => ({
  namespace,
  labels: {},
  namespaceLabels: {},
  ports: [],
  addresses: [],
});
const policies = (spec: object) => {
  const parsed = parseNetworkPolicy(policy('pg-in.db', spec), { strict: true });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  return [parsed.value];
};

/** A denied packet that a policy in a dry run would allow has two records: its denial, and what would allow it. */
test('what a dry run would allow is counted by its denial alone', () => {
  const replay = new Replay(policies({ ingress: [{}] }), (id) => identity(id.endsWith('a') ? 'shop' : 'db'));
  for (const [verdict, mode] of [
    ['allow', 'dry-run'],
    ['deny', 'enforce'],
  ] as const)
    replay.add(fieldsOf(verdict, mode));
  expect([replay.allows, replay.denials]).toEqual([0, 1]);
  expect(replay.changes()).toMatchObject([{ change: 'newly-allowed', count: 1, records: 1 }]);
});

test('what a dry run would deny has passed: with the policy in force it is newly denied', () => {
  const replay = new Replay(policies({}), (id) => identity(id.endsWith('a') ? 'shop' : 'db'));
  replay.add(fieldsOf('deny', 'dry-run'));
  expect([replay.allows, replay.denials]).toEqual([1, 0]);
  expect(replay.changes()).toMatchObject([{ change: 'newly-denied', count: 1, because: ['db/pg-in'] }]);
});

const fieldsOf = (verdict: RecordVerdict, mode: PolicyMode): LineReader => {
  const reason = verdict === 'allow' ? 'rule' : 'default-deny';
  return new LineReader().take(recordLine(deniedRecord({ 'podwall.reason': reason }, verdict, mode)));
};
