/** The log of an agent over the example of three tiers, with what it stores beside it; every verdict is evaluation's. */
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { communityId } from '../../src/audit/writing/community-id.js';
import {
  dispositionOf,
  recordLine,
  type AuditRecord,
  type EventRecord,
  type LossCause,
} from '../../src/audit/record.js';
import { identityId, policySetId, podIdentity } from '../../src/audit/snapshots/content-id.js';
import { SnapshotStore } from '../../src/audit/snapshots/snapshot-store.js';
import { compile } from '../../src/compiler/compiler.js';
import { evaluate } from '../../src/evaluation/evaluator.js';
import type { Reason } from '../../src/evaluation/verdicts.js';
import { familyOf, parseAddress, type Address } from '../../src/model/address.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import { policyKey } from '../../src/model/policy.js';
import { examples } from '../cases/examples.js';
import { ClusterState } from '../cases/cluster-state.js';
import { deniedRecord, lossRecord } from './records.js';

export interface RecordedPacket {
  /** Pods of the example, or addresses. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly count?: number;
  /** What no evaluation says. */
  readonly fields?: Partial<EventRecord>;
}

export const recordedCluster = (): ClusterSnapshot => {
  const state = new ClusterState();
  const example = examples().find(({ directory }) => directory === '12-three-tiers');
  state.take({ apply: example?.objects ?? [] });
  return state.snapshot();
};

export class RecordedLog {
  readonly folder: string;
  readonly #recordedCluster = recordedCluster();
  readonly #program = compile(this.#recordedCluster, { scope: 'everywhere' });
  readonly #boot: string;
  #store: SnapshotStore | undefined;
  #lines: string[] = [];
  #sequence = 0;
  readonly ids: string[] = [];

  constructor(folder: string, boot = 'boot-1') {
    this.folder = folder;
    this.#boot = boot;
  }

  /** Seconds after the log's beginning. */
  async packet(second: number, { from, to, port, count = 1, fields = {} }: RecordedPacket): Promise<void> {
    const [source, destination] = [this.#addressOf(from), this.#addressOf(to)];
    const { allowed, reasons } = evaluate(this.#program, { source, destination, protocol: 'TCP', port });
    const reason =
      reasons.find(({ kind }) => kind === 'allowedBy' || kind === 'isolatedBy') ??
      reasons.find(({ kind }) => kind !== 'notEnforced');
    const snapshot = policySetId(this.#recordedCluster.policies);
    this.#store ??= await SnapshotStore.open(this.folder);
    await this.#store.savePolicies(snapshot, this.#recordedCluster.policies, 'tiers');
    const plain = deniedRecord(
      { ...this.#envelope(second), 'event.id': `01JDADQ3V5Z0G${this.#boot}${String(this.#sequence).padStart(4, '0')}` },
      allowed ? 'allow' : 'deny',
    );
    this.ids.push(plain['event.id']);
    const tuple = { protocol: 6, source, destination, ports: [40000 + this.#sequence, port] as const };
    this.#lines.push(
      recordLine({
        ...withoutEndpoints(plain),
        ...(await this.#end('source', from, source)),
        ...(await this.#end('destination', to, destination)),
        'source.port': tuple.ports[0],
        'destination.port': port,
        'network.type': familyOf(source) === 'IPv4' ? 'ipv4' : 'ipv6',
        'network.community_id': communityId(tuple),
        ...reasonFields(reason),
        'podwall.snapshot': snapshot,
        'podwall.count': count,
        ...fields,
      } as EventRecord),
    );
  }

  loss(second: number, cause: LossCause, count: number): void {
    this.#lines.push(recordLine(lossRecord(cause, count, this.#envelope(second))));
  }

  /** What came so far goes into a file as rotation leaves it. */
  async rotate(stamp: string): Promise<void> {
    await writeFile(join(this.folder, `audit-${stamp}.jsonl.gz`), gzipSync(this.#lines.splice(0).join('')));
  }

  async flush(): Promise<void> {
    await appendFile(join(this.folder, 'audit.jsonl'), this.#lines.splice(0).join(''));
  }

  #envelope(
    second: number,
  ): Pick<AuditRecord, '@timestamp' | 'event.start' | 'event.end' | 'event.sequence' | 'podwall.boot_id'> {
    const time = new Date(Date.UTC(2026, 10, 22, 10, 0, second)).toISOString();
    this.#sequence += 1;
    return {
      '@timestamp': time,
      'event.start': time,
      'event.end': time,
      'event.sequence': this.#sequence,
      'podwall.boot_id': this.#boot,
    };
  }

  #addressOf(name: string): Address {
    const address = parseAddress(name) ?? this.#recordedCluster.pods.find(({ ref }) => ref.name === name)?.addresses[0];
    if (address === undefined) throw new Error(`nobody is called ${name}`);
    return address;
  }

  async #end(end: 'source' | 'destination', name: string, address: Address): Promise<Record<string, string>> {
    const pod = this.#recordedCluster.pods.find(({ ref }) => ref.name === name);
    const namespace = this.#recordedCluster.namespaces.find((one) => one.name === pod?.ref.namespace);
    if (pod === undefined || namespace === undefined)
      return { [`${end}.address`]: address, [`${end}.podwall.class`]: 'external' };
    const identity = podIdentity(pod, namespace);
    await this.#store?.saveIdentity(identityId(identity), identity);
    return {
      [`${end}.address`]: address,
      [`${end}.k8s.namespace.name`]: pod.ref.namespace,
      [`${end}.k8s.pod.name`]: pod.ref.name,
      [`${end}.podwall.class`]: 'pod',
      [`${end}.podwall.identity`]: identityId(identity),
    };
  }
}

const withoutEndpoints = (record: EventRecord): object =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !/^(source|destination|security_rule)\./.test(key)));

function reasonFields(reason: Reason | undefined): Partial<EventRecord> {
  if (reason?.kind === 'isolatedBy')
    return {
      'network.direction': reason.direction,
      'podwall.reason': 'default-deny',
      'podwall.policies.isolating': reason.policies.map(policyKey),
      'podwall.trace': reason.policies.map(({ kind, namespace, name }) => ({
        ...{ tier: 'NetworkPolicy', kind, namespace, name },
        ...{ rule: null, action: 'NoMatch' },
      })),
      'security_rule.ruleset.name': reason.policies.map(policyKey)[0] ?? '',
      'security_rule.name': null,
    };
  if (reason?.kind === 'allowedBy') {
    const [origin] = reason.rules;
    if (origin === undefined) throw new Error('what a rule allows has a rule');
    const { policy, direction, rule } = origin;
    return {
      'network.direction': direction,
      'podwall.reason': 'rule',
      'podwall.policies.isolating': [policyKey(policy)],
      'podwall.trace': [{ tier: 'NetworkPolicy', ...policy, rule: { index: rule }, action: 'Accept' }],
      'security_rule.ruleset.name': policyKey(policy),
      'security_rule.name': `${direction}[${rule}]`,
    };
  }
  return { 'podwall.reason': 'not-isolated', 'podwall.policies.isolating': [], 'podwall.trace': [] };
}

/** A minute of three tiers: two kinds of denials, a dry run's, allows, a forged packet, a loss, and a rotation between. */
export async function recordedMinute(folder: string): Promise<RecordedLog> {
  const log = new RecordedLog(folder);
  await log.packet(0, { from: 'web', to: 'db', port: 5432 });
  await log.packet(5, { from: 'web', to: 'db', port: 5432, count: 41 });
  await log.packet(6, { from: 'web', to: 'app', port: 8080 });
  await log.packet(7, { from: 'app', to: 'db', port: 5432 });
  log.loss(10, 'rate-limit', 900);
  await log.rotate('20261122T100030.000Z');
  await log.packet(40, { from: 'db', to: 'app', port: 8080 });
  await log.packet(41, { from: '172.30.0.100', to: 'web', port: 8080 });
  await log.packet(42, {
    from: 'web',
    to: 'db',
    port: 5433,
    fields: { ...dispositionOf('deny', 'dry-run') },
  });
  await log.packet(43, {
    from: 'db',
    to: 'web',
    port: 8080,
    fields: {
      ...dispositionOf('deny', 'enforce'),
      'podwall.reason': 'source-guard',
      'network.direction': 'egress',
      'source.address': '10.0.0.1',
      'observer.ingress.interface.name': 'veth1',
    },
  });
  await log.flush();
  return log;
}
