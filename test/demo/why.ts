/** Why a packet was denied, or would be: what the audit log says of the flows that were just tried. */
import { join } from 'node:path';
import picocolors from 'picocolors';
import type { EventRecord } from '../../src/audit/record.js';
import type { Evaluator } from '../../src/evaluation/evaluator.js';
import { policyKey } from '../../src/model/policy.js';
import { AuditTrail } from '../support/lab/audit-trail.js';
import type { Lab } from '../support/lab/lab.js';
import { until } from '../support/until.js';
import type { DemoCell } from './cells.js';
import { claim, say, step } from './claims.js';
import { bundle } from '../support/product.js';

export const auditLogOf = (lab: Lab, node: string): string => join(lab.folder, `${node}.jsonl`);

/** The first endpoint that denies drops the packet, and records why. */
function isRecorded({ flow }: DemoCell, evaluator: Evaluator, records: readonly EventRecord[]): boolean {
  const [first] = evaluator.evaluate(flow).reasons;
  if (first?.kind !== 'isolatedBy') return false;
  const by = first.policies.map(policyKey).join();
  return records.some(
    (record) =>
      record['podwall.mode'] === 'enforce' &&
      record['network.direction'] === first.direction &&
      record['source.address'] === flow.source &&
      record['destination.address'] === flow.destination &&
      (record['destination.port'] ?? 0) === flow.port &&
      record['podwall.policies.isolating'].join() === by,
  );
}

export async function explainWhy(lab: Lab, cells: readonly DemoCell[], evaluator: Evaluator): Promise<void> {
  step(5, 'Why: what the audit log says of them');
  const trails = ['n1', 'n2'].map((node) => new AuditTrail(auditLogOf(lab, node)));
  const records = async (): Promise<EventRecord[]> => (await Promise.all(trails.map((trail) => trail.events()))).flat();
  const denied = cells.filter(({ allowed }) => !allowed);
  const unrecorded = async (): Promise<number> => {
    const recorded = await records();
    return denied.filter((cell) => !isRecorded(cell, evaluator, recorded)).length;
  };
  await until(async () => (await unrecorded()) === 0, 10_000).catch(() => undefined);
  claim(
    `each of the ${denied.length} denied flows has a record that names the policies which denied it`,
    (await unrecorded()) === 0,
  );

  const podwall = async (node: string, ...args: readonly string[]): Promise<void> => {
    const log = ['--log', auditLogOf(lab, node)];
    const { stdout } = await lab.run(node, process.execPath, bundle, 'audit', ...args, ...log);
    say(picocolors.dim(`   $ podwall audit ${args.join(' ')}`));
    say(stdout.replace(/^(?=.)/gm, '   '));
  };
  await podwall('n2', 'denied', '--to-pod', 'bookshop/db', '--port', '5432', '--ip-version', '4');

  const dryRun = (await records()).filter((record) => record['podwall.mode'] === 'dry-run');
  await podwall('n1', 'show', '--mode', 'dry-run', '--ip-version', '4');
  claim(
    'the default deny of 17-default-deny-dry-run is in a dry run: what it would deny is recorded, and passes',
    dryRun.length > 0 && dryRun.every((record) => record['event.outcome'] === 'success'),
  );
}
