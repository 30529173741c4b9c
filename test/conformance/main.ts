/**
 * `npm run conformance [-- --fast] [-- --json] [-- --variant TEXT]`: upstream's 48 cases in every variant and the corner cases, on real packets,
 * on evaluation and on the oracle. Exit 0 only when every cell is as expected; nothing stays behind.
 */
import { execa } from 'execa';
import { release } from 'node:os';
import { formatTable } from '../../src/report/table.js';
import { conformanceCases, type Placement } from '../cases/conformance.js';
import { cornerCases } from '../cases/corner-cases.js';
import { runEvaluation } from '../cases/run-evaluation.js';
import { runOracle } from '../cases/run-oracle.js';
import { PacketRunner } from '../cases/run-packets.js';
import type { Case } from '../cases/types.js';
import type { Plugin } from '../support/lab/lab.js';
import { missingForPackets } from '../support/lab/packages.js';

interface Variant {
  readonly title: string;
  readonly plugin: Plugin;
  readonly nodes: 1 | 2;
  readonly cases: readonly Case[];
}

interface Outcome {
  readonly variant: string;
  readonly case: string;
  readonly title: string;
  /** Flows judged by the kernel. */
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

function variants(fast: boolean): readonly Variant[] {
  const corner: Variant = { title: 'corner cases, dual, two nodes, ptp', plugin: 'ptp', nodes: 2, cases: cornerCases };
  if (fast) return [upstream('bridge', { families: 'dual', nodes: 2 })];
  const all = (['IPv4', 'IPv6', 'dual'] as const).flatMap((families) =>
    ([1, 2] as const).flatMap((nodes) =>
      (['bridge', 'ptp'] as const).map((plugin) => upstream(plugin, { families, nodes })),
    ),
  );
  return [...all, corner];
}

let running: PacketRunner | undefined;

async function runVariant({ title, plugin, nodes, cases }: Variant): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const runner = (running = await PacketRunner.create(plugin, nodes));
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
  const at = process.argv.indexOf('--variant');
  const named = at < 0 ? '' : (process.argv[at + 1] ?? '');
  const chosen = variants(process.argv.includes('--fast')).filter(({ title }) => title.includes(named));
  if (chosen.length === 0) {
    console.error(
      `No variant is called ${named}: ${variants(false)
        .map(({ title }) => title)
        .join('; ')}`,
    );
    return 2;
  }
  const outcomes: Outcome[] = [];
  for (const variant of chosen) outcomes.push(...(await runVariant(variant)));
  const versions = { kernel: release(), nft: (await execa('nft', ['--version'])).stdout };
  if (process.argv.includes('--json')) console.log(JSON.stringify({ versions, outcomes }, null, 2));
  else console.log(`${summary(chosen, outcomes)}\nkernel ${versions.kernel}, ${versions.nft}`);
  const wrong = outcomes.filter((outcome) => outcome.wrong.length > 0).length;
  console.error(
    `Seen on real packets, on evaluation and on the oracle: ${outcomes.length - wrong} of ${outcomes.length} cases as expected.`,
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
