/** Tables of expected outcomes: waited for until they hold, or watched while something else happens. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome, Probe, Prober } from './prober.js';

export interface ExpectedProbe extends Probe {
  readonly expected: Outcome;
}

export interface WrongOutcome {
  readonly probe: ExpectedProbe;
  readonly outcome: Outcome;
  /** performance.now() when the round that saw it began. */
  readonly at: number;
}

export interface Settled {
  /** From the call to the round in which every cell was as expected, or to the last round. */
  readonly seconds: number;
  /** Empty, unless time was over before the table held. */
  readonly wrong: readonly WrongOutcome[];
}

export interface SettleOptions {
  readonly within: number;
  readonly timeout: number;
}

/** Asks the whole table again and again until every cell is as expected. Both options in milliseconds. */
export async function settle(
  prober: Prober,
  cells: readonly ExpectedProbe[],
  { within, timeout }: SettleOptions = { within: 10_000, timeout: 250 },
): Promise<Settled> {
  const started = performance.now();
  for (;;) {
    const wrong = await ask(prober, cells, timeout);
    const seconds = (performance.now() - started) / 1000;
    if (wrong.length === 0 || seconds * 1000 > within) return { seconds, wrong };
    await delay(20);
  }
}

export interface Watched {
  readonly rounds: number;
  readonly wrong: readonly WrongOutcome[];
}

/**
 * Asks cells that must not change, without pause, while `action` runs. A watch that asked nothing during the action
 * proves nothing: at least two whole rounds are made, the last one after it.
 */
export async function watch(
  prober: Prober,
  cells: readonly ExpectedProbe[],
  action: () => Promise<void>,
  timeout = 250,
): Promise<Watched> {
  const ending = new AbortController();
  const wrong: WrongOutcome[] = [];
  let rounds = 0;
  const round = async (): Promise<void> => {
    wrong.push(...(await ask(prober, cells, timeout)));
    rounds += 1;
  };
  const watching = (async () => {
    while (!ending.signal.aborted) await round();
  })();
  try {
    // A fault of the prober must not wait for the action's end to be heard.
    await Promise.race([action(), watching]);
  } finally {
    ending.abort();
    await watching;
  }
  await round();
  return { rounds, wrong };
}

/** For a failing test's message. */
export const describeWrong = ({ probe: { from, to, port, protocol, expected }, outcome }: WrongOutcome): string =>
  `${from} -> ${to} ${protocol} ${port}: ${outcome} instead of ${expected}`;

async function ask(prober: Prober, cells: readonly ExpectedProbe[], timeout: number): Promise<WrongOutcome[]> {
  const at = performance.now();
  const outcomes = await prober.probe(cells, timeout);
  return cells.flatMap((probe, index) => {
    const outcome = outcomes[index];
    return outcome === undefined || outcome === probe.expected ? [] : [{ probe, outcome, at }];
  });
}
