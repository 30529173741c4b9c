/** `--only felt`: from a user's write to the packet, by the real agent as the chart runs it. */
import { setTimeout as delay } from 'node:timers/promises';
import { node } from '../../cases/objects.js';
import { failedFigure, type BenchOptions, type Figure } from '../figures.js';
import { withCommand } from '../live/command-column.js';
import { apiServerHere, openSource, putAll, type SourceName } from '../live/cluster-source.js';
import { missingControlGroups } from '../live/control-group.js';
import { createLocalCluster } from '../live/local-cluster.js';
import { startMeasured, type MeasuredAgent } from '../live/measured-agent.js';
import { chosenByName } from '../live/row-choice.js';
import { quantile } from '../statistics.js';
import { runRounds, type Rounds } from './rounds.js';
import { livePods, scenarios, type Scenario } from './scenarios.js';

/** Milliseconds for the changes of one scenario. */
const bound = 120_000;

export async function measureFelt({ fast, rows, product }: BenchOptions): Promise<Figure[]> {
  if (missingControlGroups !== undefined) {
    console.error(`SKIPPED: ${missingControlGroups}`);
    return [];
  }
  const figures: Figure[] = [];
  for (const make of scenarios) {
    const scenario = make();
    for (const name of [apiServerHere, 'directory'] as const) {
      if (chosenByName([`${scenario.name}/${name}`], rows).length === 0) continue;
      console.error(`  ${scenario.name}/${name} ...`);
      const options = { rounds: fast ? 5 : 100, settles: 3000, product };
      // What cannot be measured does not take the other rows with it, and is no goal met.
      const own = await measureScenario(scenario, name, options).catch((error: unknown) => [
        failedFigure(`(k) ${scenario.title}, ${name}`, error),
      ]);
      for (const { what, measured } of own) console.error(`    ${what}: ${measured}`);
      figures.push(...(await withCommand(own, 'felt', `${scenario.name}/${name}`)));
    }
  }
  return figures;
}

interface ScenarioOptions {
  readonly rounds: number;
  /** Milliseconds from the start: what it leaves to be done is no part of a change. */
  readonly settles: number;
  readonly product?: string | undefined;
}

export async function measureScenario(
  scenario: Scenario,
  name: SourceName,
  { rounds, settles, product }: ScenarioOptions,
): Promise<Figure[]> {
  await using cluster = await createLocalCluster(livePods, scenario.quiet);
  await using source = await openSource(name, cluster.lab);
  await putAll(source, [node('n2'), ...cluster.objects]);
  await putAll(source, scenario.objects);
  await using agent = await startMeasured(cluster.lab, source.flags, product);
  await delay(settles);
  const idle = await coresOf(agent, () => delay(settles));
  let measured: Rounds | undefined;
  const began = performance.now();
  const cores = await coresOf(agent, async () => {
    measured = await runRounds(cluster, source, scenario, { rounds, bound });
  });
  if (measured === undefined) throw new Error('no rounds');
  const milliseconds = (performance.now() - began) * Math.max(0, cores - idle);
  return figuresOf(`(k) ${scenario.title}, ${source.title}`, scenario, measured, milliseconds / measured.changes);
}

/** Of a processor, for as long as the work takes. */
async function coresOf({ group }: MeasuredAgent, work: () => Promise<unknown>): Promise<number> {
  const [began, before] = [performance.now(), await group.processorTime()];
  await work();
  return ((await group.processorTime()) - before) / ((performance.now() - began) / 1000);
}

function figuresOf(title: string, { goals }: Scenario, rounds: Rounds, processor: number): Figure[] {
  const { made, times, longestGap, contradicted } = rounds;
  const doubt = contradicted === 0 ? '' : `; ${contradicted} flows arrived late`;
  return [
    ...[...times].map(([what, all]): Figure => {
      const [p50, p99] = [quantile(all, 0.5), quantile(all, 0.99)];
      return {
        what: `${title}: ${what}`,
        measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
        goal: `p50 <= ${goals.p50} ms, p99 <= ${goals.p99} ms`,
        met: p50 <= goals.p50 && p99 <= goals.p99,
        values: { p50, p99 },
      };
    }),
    {
      what: `${title}: CPU of agent and children per change`,
      measured: `${processor.toFixed(1)} ms (${made} rounds; prober's longest gap ${longestGap.toFixed(0)} ms${doubt})`,
      goal: `<= ${goals.processor} ms`,
      met: processor <= goals.processor,
      values: { processor },
    },
  ];
}
