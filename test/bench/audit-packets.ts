/** What the audit log costs: a logged packet on its path, the agent that reads and sums, and the writing of records. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Attribution } from '../../src/audit/attribution/attribution.js';
import { recordLine } from '../../src/audit/record.js';
import { RecordBuilder } from '../../src/audit/writing/record-builder.js';
import { RotatingFile } from '../../src/audit/writing/rotating-file.js';
import { Sink } from '../../src/audit/writing/sink.js';
import { Compiler } from '../../src/compiler/compiler.js';
import { openNflog } from '../../src/kernel/nflog/nflog-reader.js';
import { changesFrom } from '../../src/model/cluster.js';
import type { Observation } from '../../src/model/observation.js';
import { logPrefix, parseLogPrefix } from '../../src/nftables/names/log-prefix.js';
import { chains } from '../../src/nftables/names/chains.js';
import { policiesNamed } from '../../src/nftables/names/policies.js';
import { decisionNames } from '../../src/nftables/render/decisions.js';
import { namespace, node, pod, podAddresses, policy } from '../cases/objects.js';
import { flood } from '../support/lab/flood.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { inNamed } from '../support/lab/libc.js';
import type { BenchOptions, Figure } from './figures.js';
import { PacketPath } from './packet-path.js';
import { compare, enforce, fresh, oneWay, ratioFigure } from './packets.js';
import { processorTimeOf } from './process.js';
import { largeCluster, generateCluster } from './generated-cluster.js';
import { nflogWorker } from '../support/product.js';
import { runPrefix } from '../support/runs.mjs';

/** Packets that are denied, read, attributed and summed in a second of one core. */
const goal = 100_000;
const worker = pathToFileURL(nflogWorker);
const unlimited = { group: 7, pairRate: 1e6, pairBurst: 1e6, pairs: 16_384, sharedRate: 1e6 };
const size = { policies: 10, selecting: 1 };

export const measureAuditPackets = async (options: BenchOptions): Promise<Figure[]> => [
  ...(await measureLogging(options)),
  await measureReading(options),
  await measureWriting(options),
];

/** Packets that are logged, and read, against the same that are not. */
async function measureLogging({ fast }: BenchOptions): Promise<Figure[]> {
  const name = `${runPrefix}bench`;
  const figures = [];
  await using plain = await PacketPath.create(`${name}-d`);
  await using logged = await PacketPath.create(`${name}-e`);
  const blocks = fast ? 5 : 31;
  const limited = { ...unlimited, pairRate: 1, pairBurst: 1, sharedRate: 1 };
  for (const [what, verdict, audit, measure] of [
    ['new flows that are allowed, logged', 'allowed', unlimited, fresh],
    ['denied packets, logged', 'denied', unlimited, oneWay],
    ['denied packets, beyond the limits of the log', 'denied', limited, oneWay],
  ] as const) {
    await enforce(plain, size, verdict);
    await enforce(logged, size, verdict, { audit });
    let read = 0;
    await using reader = await inNamed(logged.router, () =>
      openNflog({
        group: audit.group,
        worker,
        onBatch: ({ observations, missed }) => (read += observations.length + (missed?.count ?? 0)),
        onFailure: (error) => {
          throw error;
        },
      }),
    );
    figures.push(ratioFigure(`(f) ${what}, against unlogged`, compare(plain, logged, blocks, measure)));
    await reader.drained();
    if (audit === unlimited && read < blocks * 200) throw new Error(`${read} packets were read: they are not logged`);
  }
  return figures;
}

/** The agent in a flood of which no packet is held back. */
async function measureReading({ fast }: BenchOptions): Promise<Figure> {
  await using lab = await Lab.create([labNode(1, 'ptp')]);
  const pods = [
    ['client', 11],
    ['server', 12],
  ] as const;
  for (const [name, host] of pods)
    await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: podAddresses('n1', host) });
  const manifests = join(lab.folder, 'manifests');
  const cluster = [
    node('n1'),
    namespace('x'),
    ...pods.map(([name, host]) => pod(`${name}.x`, { host })),
    policy('deny.x', { podSelector: {} }),
  ];
  await lab.writeManifests(manifests, { cluster });
  const flags = { 'audit-log': join(lab.folder, 'audit.jsonl'), 'audit-rate': '1000000', 'audit-burst': '1000000' };
  const agent = await lab.startAgent('n1', { manifests, ...flags });
  await delay(2000);
  const [busyBefore, began] = [await processorTimeOf(agent.pid), performance.now()];
  const target = { from: lab.netns('client.x'), to: podAddresses('n1', 12)[0] ?? '', ports: [9] };
  const sent = await flood(target, () => delay(fast ? 2000 : 10_000));
  const seconds = (performance.now() - began) / 1000;
  await delay(2000);
  const busy = (await processorTimeOf(agent.pid)) - busyBefore;
  const [rate, perCore] = [sent / seconds, sent / busy].map(Math.round) as [number, number];
  return {
    what: '(f) denied packets read, attributed and summed, in a second of one core',
    measured: `${perCore.toLocaleString('en')} (${rate.toLocaleString('en')} a second came, ${(busy / seconds).toFixed(2)} cores)`,
    goal: `>= ${goal.toLocaleString('en')}`,
    met: perCore >= goal,
    values: { perCore, rate, cores: busy / seconds },
  };
}

/** Records of packets that are all different, to a file that rotates. */
async function measureWriting({ fast }: BenchOptions): Promise<Figure> {
  const records = fast ? 20_000 : 300_000;
  const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-audit-'));
  const rethrow = (error: unknown): never => {
    throw error;
  };
  try {
    const rotation = {
      maxBytes: 100 << 20,
      rotateAfter: Infinity,
      maxBackups: 2,
      maxBackupAge: Infinity,
      gzip: false,
      onCleanupFailure: rethrow,
      onFileEnd: () => Promise.resolve(),
    };
    const output = new RotatingFile(join(folder, 'audit.jsonl'), rotation, Date.now);
    await using sink = new Sink(output, {
      capacity: 8 << 20,
      retryAfter: 1000,
      settledAfter: 1000,
      onWriteState: rethrow,
    });
    const denialAt = attributed();
    const maker = new RecordBuilder({ node: 'n0', version: '0.1.0', bootId: 'bench' }, Date.now);
    const before = process.cpuUsage();
    for (let index = 0; index < records; index += 1) {
      const denial = denialAt(index);
      const { time, bytes } = denial.packet;
      sink.write(recordLine(maker.event(denial, { count: 1, start: time, end: time, bytes })), () => undefined);
      if (!sink.hasRoom) await sink.settled();
    }
    await sink.settled();
    const { user, system } = process.cpuUsage(before);
    const perCore = Math.round(records / ((user + system) / 1e6));
    return {
      what: '(f) records attributed, made and written, in a second of one core',
      measured: perCore.toLocaleString('en'),
      values: { perCore },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Packets to pods of a busy cluster, each from another place. */
function attributed() {
  const cluster = generateCluster({ ...largeCluster, policies: 1000 });
  const changes = changesFrom(cluster);
  const program = new Compiler({ scope: { node: 'n0' }, unknownPods: 'allow', podCidrs: [] }).apply(changes);
  const { endpoints } = program;
  const attribution = new Attribution({
    names: decisionNames,
    parsePrefix: parseLogPrefix,
  });
  const noted = Date.now();
  attribution.changesCompiled(changes, program, noted);
  attribution.changesApplied(changes, endpoints, noted);
  const targets = endpoints.flatMap(({ after }) => {
    if (after?.ingress.kind !== 'isolated') return [];
    const [address] = after.addresses;
    const chain = chains.nameOf({ kind: 'deny', ...policiesNamed('ingress', after.ingress.by) });
    return address === undefined ? [] : [{ address, prefix: logPrefix(chain, 'original') }];
  });
  return (index: number) => {
    const target = targets[index % targets.length];
    const source = cluster.pods[index % cluster.pods.length]?.addresses[0];
    if (target === undefined || source === undefined) throw new Error('the cluster has no isolated pod');
    const packet: Observation = {
      time: noted + 1 + index / 1000,
      prefix: target.prefix,
      device: 'eth0',
      source,
      destination: target.address,
      protocol: 6,
      ports: { source: 32_768 + (index % 28_000), destination: 8080 },
      tcpFlags: 2,
      bytes: 60,
    };
    const denial = attribution.attribute(packet);
    if (denial === undefined) throw new Error('no denial of ours');
    return denial;
  };
}
