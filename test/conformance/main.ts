/**
 * `npm run conformance [-- --fast] [-- --json] [-- --variant TEXT] [-- --random COUNT] [-- --seed SEED]`: upstream's 48
 * cases in every variant, through a real API server too, the corner cases and random clusters, on real packets, on
 * what commands answer (can, test, reach) and on the oracle. `--tenant ROW` runs a row of `npm run bench -- --only tenants`
 * in a loop beside all of it, in namespaces of its own. Exit 0 only when every cell is as expected; nothing stays behind.
 */
import { execa } from 'execa';
import { release } from 'node:os';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/report/table.js';
import { conformanceCases, type Placement } from '../cases/conformance.js';
import { cornerCases } from '../cases/corner-cases.js';
import { randomClusters } from '../cases/random-clusters.js';
import { runEvaluation } from '../cases/run-evaluation.js';
import { runOracle } from '../cases/run-oracle.js';
import { PacketRunner } from '../cases/run-packets.js';
import type { Case } from '../cases/types.js';
import { rowNames } from '../bench/tenants/tenant-load.js';
import type { WrittenTo } from '../cases/written-cluster.js';
import { missingApiServer } from '../support/kube-api-server.js';
import type { Plugin } from '../support/lab/lab.js';
import { missingForPackets } from '../support/lab/prerequisites.js';

interface Variant {
  readonly title: string;
  readonly plugin: Plugin;
  readonly nodes: 1 | 2;
  readonly cases: readonly Case[];
  /** A directory of manifests, unless told otherwise. */
  readonly to?: WrittenTo;
}

interface Outcome {
  readonly variant: string;
  readonly case: string;
  readonly title: string;
  /** Flows decided by the kernel. */
  readonly asked: number;
  /** Slowest step, from the change of a manifest to the whole table as expected. */
  readonly seconds: number;
  readonly wrong: readonly string[];
}

const upstream = (plugin: Plugin, placement: Placement): Variant => ({
  title: `upstream, ${placement.families}, ${placement.nodes === 1 ? 'one node' : 'two nodes'}, ${plugin}`,
  plugin,
  nodes: placement.nodes,
  cases: conformanceCases(placement),
});

/** A table of so many clusters; a seed reproduces them. */
const clustersPerTable = 25;

function random({ count, seed }: Random): Variant {
  const tables = Array.from({ length: Math.ceil(count / clustersPerTable) }, (_, index) =>
    randomClusters(seed + index, Math.min(clustersPerTable, count - index * clustersPerTable)),
  );
  return { title: 'random clusters, dual, two nodes, bridge', plugin: 'bridge', nodes: 2, cases: tables };
}

interface Random {
  readonly count: number;
  readonly seed: number;
}

function variants(fast: boolean, chosen: Random): readonly Variant[] {
  const corner: Variant = { title: 'corner cases, dual, two nodes, ptp', plugin: 'ptp', nodes: 2, cases: cornerCases };
  if (fast) return [upstream('bridge', { families: 'dual', nodes: 2 })];
  const all = (['IPv4', 'IPv6', 'dual'] as const).flatMap((families) =>
    ([1, 2] as const).flatMap((nodes) =>
      (['bridge', 'ptp'] as const).map((plugin) => upstream(plugin, { families, nodes })),
    ),
  );
  return [...all, ...throughApiServer(), corner, random(chosen)];
}

function throughApiServer(): readonly Variant[] {
  if (missingApiServer !== undefined) {
    console.error(`SKIPPED: the cases through an API server: ${missingApiServer}`);
    return [];
  }
  const variant = upstream('bridge', { families: 'dual', nodes: 2 });
  return [{ ...variant, title: `${variant.title}, api-server`, to: 'api-server' }];
}

let running: PacketRunner | undefined;

async function runVariant(
  { title, plugin, nodes, cases, to = 'directory' }: Variant,
  tenantRow: string | undefined,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const runner = (running = await PacketRunner.create(plugin, nodes, { to, tenantRow }));
  try {
    for (const table of cases) {
      const { asked, wrong, settled } = await runner.run(table);
      const seconds = Math.max(...settled);
      const others = [...runEvaluation(table).wrong, ...runOracle(table).wrong];
      outcomes.push({
        variant: title,
        case: table.id,
        title: table.title,
        asked,
        seconds,
        wrong: [...wrong, ...others],
      });
      const mark = wrong.length + others.length === 0 ? 'ok' : 'WRONG';
      console.error(`${mark.padEnd(5)} ${seconds.toFixed(2)} s  ${title}  ${table.id} ${table.title}`);
      for (const line of [...wrong, ...others]) console.error(`        ${line}`);
    }
  } finally {
    await runner[Symbol.asyncDispose]();
  }
  return outcomes;
}

async function main(): Promise<number> {
  const reason = missingForPackets();
  if (reason !== undefined) {
    console.error(`Conformance is shown on real packets, and cannot be here: ${reason}`);
    return 5;
  }
  const stop = (): void =>
    void (running?.[Symbol.asyncDispose]() ?? Promise.resolve()).finally(() => process.exit(130));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const { values: flags } = parseArgs({
    options: {
      fast: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      variant: { type: 'string', default: '' },
      random: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      tenant: { type: 'string' },
    },
  });
  const [count, seed] = [Number(flags.random), Number(flags.seed)];
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    console.error('--random takes a number of clusters, --seed an integer.');
    return 2;
  }
  const tenantNames = rowNames();
  if (flags.tenant !== undefined && !tenantNames.includes(flags.tenant)) {
    console.error(`No tenant row is called ${flags.tenant}: ${tenantNames.join(', ')}`);
    return 2;
  }
  const all = variants(flags.fast, { count, seed });
  const chosen = all.filter(({ title }) => title.includes(flags.variant));
  if (chosen.length === 0) {
    console.error(`No variant is called ${flags.variant}: ${all.map(({ title }) => title).join('; ')}`);
    return 2;
  }
  const outcomes: Outcome[] = [];
  for (const variant of chosen) outcomes.push(...(await runVariant(variant, flags.tenant)));
  const versions = { kernel: release(), nft: (await execa('nft', ['--version'])).stdout };
  if (flags.json) console.log(JSON.stringify({ versions, seed, outcomes }, null, 2));
  else console.log(`${summary(chosen, outcomes)}\nkernel ${versions.kernel}, ${versions.nft}`);
  const wrong = outcomes.filter((outcome) => outcome.wrong.length > 0).length;
  console.error(
    `Seen on real packets, in what the commands answer and on the oracle: ${outcomes.length - wrong} of ${outcomes.length} cases as expected.`,
  );
  return wrong === 0 ? 0 : 1;
}

function summary(chosen: readonly Variant[], outcomes: readonly Outcome[]): string {
  const rows = chosen.map(({ title }) => {
    const own = outcomes.filter(({ variant }) => variant === title);
    const passed = own.filter(({ wrong }) => wrong.length === 0).length;
    const seconds = own.map((outcome) => outcome.seconds).sort((a, b) => a - b);
    return [
      title,
      `${passed} of ${own.length}`,
      String(own.reduce((sum, { asked }) => sum + asked, 0)),
      `${(seconds[seconds.length >> 1] ?? 0).toFixed(2)} s`,
      `${(seconds.at(-1) ?? 0).toFixed(2)} s`,
    ];
  });
  return formatTable([['VARIANT', 'PASSED', 'FLOWS', 'SETTLED, MEDIAN', 'SLOWEST'], ...rows]);
}

process.exitCode = await main();
