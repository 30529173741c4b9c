/**
 * Many namespaces' turns on their way at once, wherever each of them ends a piece: after every transaction, every flow has
 * the verdict of some state that each namespace is in, and at the end the ruleset is the one rendered from scratch.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler, compile } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import type { Flow } from '../../src/evaluation/types.js';
import { changesFrom, type ClusterChange, type ClusterSnapshot } from '../../src/model/cluster.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { render, Renderer, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { effectOf } from '../../src/program/effect.js';
import { CacheRenewal } from '../../src/reconciler/cache-renewal.js';
import { PolicyTable } from '../../src/reconciler/policy-table.js';
import type { TableTurn } from '../../src/reconciler/table-turn.js';
import { Interpreter } from '../nftables/interpreter.js';
import { addressPool, cluster, fold, history, outsiders } from '../support/arbitrary.js';
import { bringIntoForce } from '../support/converge.js';
import { FakeNftables } from '../support/fake-nftables.js';
import { ManualClock } from '../support/manual-clock.js';
import { cases, isCutDown } from '../support/seed.js';

const scope = { scope: { node: 'n1' } } as const;
const forms: readonly RenderOptions[] = [
  { established: 'reevaluate' },
  { established: 'reevaluate', inlineLists: 0, inlineRules: 0 },
];

const addresses = [...outsiders, ...addressPool].filter((one) => !['172.30.0.1', '172.30.0.2'].includes(one));
const flows: readonly Flow[] = addresses.flatMap((source) =>
  addresses
    .filter((destination) => source.includes(':') === destination.includes(':'))
    .flatMap((destination) => [
      { source, destination, protocol: 'TCP' as const, port: 80 },
      { source, destination, protocol: 'UDP' as const, port: 443 },
    ]),
);

/** The changes of one namespace's objects, in order: those in force, and those whose turn is on its way. */
interface Queue {
  readonly waiting: ClusterChange[];
  readonly inForce: ClusterChange[];
  onTheWay: readonly ClusterChange[];
  turn?: TableTurn;
  /** How much of each queue was in force when the turn began. */
  since?: ReadonlyMap<Queue, number>;
}

class Model {
  readonly queues = new Map<string, Queue>();
  readonly #start: ClusterSnapshot;

  constructor(start: ClusterSnapshot, changes: readonly ClusterChange[]) {
    this.#start = start;
    for (const change of changes) {
      const name = 'ref' in change ? change.ref.namespace : '';
      const queue = this.queues.get(name) ?? { waiting: [], inForce: [], onTheWay: [] };
      queue.waiting.push(change);
      this.queues.set(name, queue);
    }
  }

  /** Every combination of turns on their way being in force or not. */
  states(): Generator<ClusterSnapshot> {
    return this.#combined((queue) => [[...queue.inForce], [...queue.inForce, ...queue.onTheWay]]);
  }

  /** And of those of before, back to when the oldest turn on its way began. */
  statesSince(): Generator<ClusterSnapshot> {
    const begins = [...this.queues.values()].flatMap(({ since }) => since ?? []);
    return this.#combined((queue) => {
      const first = Math.min(queue.inForce.length, ...begins.map((since) => since.get(queue) ?? 0));
      const all = [...queue.inForce, ...queue.onTheWay];
      return Array.from({ length: all.length - first + 1 }, (_, index) => all.slice(0, first + index));
    });
  }

  *#combined(choices: (queue: Queue) => readonly ClusterChange[][]): Generator<ClusterSnapshot> {
    let combinations: ClusterChange[][] = [[]];
    for (const queue of this.queues.values())
      combinations = combinations.flatMap((before) => choices(queue).map((one) => [...before, ...one]));
    for (const changes of combinations) yield fold(this.#start, changes);
  }
}

/**
 * What is allowed must be allowed by the turns that have switched, and perhaps some that are on their way. What is denied
 * may also be so since something is not allowed yet: a policy that is being replaced does not get to know new pods.
 */
function expectSomeState(kernel: Interpreter, model: Model): void {
  const evaluators = (states: Generator<ClusterSnapshot>): (() => Evaluator[]) => {
    let made: Evaluator[] | undefined;
    return () => (made ??= [...states].map((state) => new Evaluator(compile(state, scope))));
  };
  const [now, since] = [evaluators(model.states()), evaluators(model.statesSince())];
  const wrong = flows.filter((flow) => {
    const allowed = kernel.allows(flow);
    const agrees = (one: Evaluator): boolean => one.evaluate(flow).allowed === allowed;
    return !now().some(agrees) && (allowed || !since().some(agrees));
  });
  expect(wrong.slice(0, 3)).toEqual([]);
}

/** Turns begin as often as they go on, so that several are on their way. */
const schedule = fc.array(
  fc.record({ act: fc.constantFrom('begin', 'begin', 'advance', 'advance', 'sweep'), which: fc.nat() }),
  { minLength: 20, maxLength: 60 },
);

test.each(forms)(
  'no packet is allowed but by the state of every namespace before a turn or after it (%j)',
  async (how) => {
    let interleaved = 0;
    await fc.assert(
      fc.asyncProperty(cluster, history, schedule, fc.constantFrom(1, 20, 200), async (start, steps, acts, limit) => {
        const compiler = new Compiler(scope);
        const renderer = new Renderer(how);
        const nft = new FakeNftables();
        const clock = new ManualClock();
        const cache = new CacheRenewal(clock, () => undefined);
        const table = new PolicyTable({ nftables: nft, clock, cache, desired: renderer.ruleset() });
        const compiled = (changes: readonly ClusterChange[]) => {
          const moved = changes.flatMap((change) => compiler.addressesOf(change));
          const program = compiler.apply(changes);
          const namespaces = new Set(program.endpoints.map(({ key }) => key.split('/')[0] ?? ''));
          return { dirty: renderer.apply(program), effect: effectOf(program), namespaces, moved };
        };
        await bringIntoForce(table, compiled(changesFrom(start)), () => undefined);
        const all = steps.flat();
        const model = new Model(start, all);
        const check = (): void => expectSomeState(new Interpreter(nft.ruleset), model);
        const settle = (): void => {
          for (const queue of model.queues.values())
            if (queue.turn?.isSwitched === true) {
              queue.inForce.push(...queue.onTheWay);
              queue.onTheWay = [];
              delete queue.turn;
              delete queue.since;
            }
        };
        const begin = (queue: Queue, count: number): void => {
          queue.onTheWay = queue.waiting.splice(0, 1 + (count % 3));
          const change = compiled(queue.onTheWay);
          if (isDirty(change.dirty)) {
            queue.turn = table.begin(change);
            queue.since = new Map([...model.queues.values()].map((one) => [one, one.inForce.length]));
          } else queue.inForce.push(...queue.onTheWay);
          if (queue.turn === undefined) queue.onTheWay = [];
        };
        const advance = async (queue: Queue): Promise<void> => {
          if (queue.turn === undefined) return;
          const before = nft.applied.length;
          await table.advance(queue.turn, settle, () => limit);
          if (nft.applied.length > before) check();
        };
        const pick = (from: readonly Queue[], which: number): Queue | undefined => from[which % from.length];
        for (const { act, which } of acts) {
          const queues = [...model.queues.values()];
          const busy = queues.filter(({ turn }) => turn !== undefined);
          if (busy.length > 1) interleaved += 1;
          const idle = queues.filter(({ turn, waiting }) => turn === undefined && waiting.length > 0);
          const [next, one] = [pick(idle, which), pick(busy, which)];
          if (act === 'begin' && next !== undefined) begin(next, which);
          else if (act === 'advance' && one !== undefined) await advance(one);
          else if (act === 'sweep') {
            await table.sweep();
            check();
          }
        }
        for (
          let round = 0;
          [...model.queues.values()].some(({ turn, waiting }) => turn ?? waiting.length);
          round += 1
        ) {
          if (round > 10_000) throw new Error('the turns wait for each other');
          for (const queue of model.queues.values())
            if (queue.turn !== undefined) await advance(queue);
            else if (queue.waiting.length > 0) begin(queue, round);
        }
        do await table.sweep();
        while (table.sweepPending);
        const scratch = render(compile(fold(start, all), scope), how);
        expect(isDirty(findDrift(scratch, nft.ruleset))).toBe(false);
      }),
      { numRuns: cases(25) },
    );
    if (!isCutDown) expect(interleaved).toBeGreaterThan(0);
  },
);
