import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler, compile, type CompilerOptions } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluate.js';
import type { Flow } from '../../src/evaluation/types.js';
import { changesFrom } from '../../src/model/cluster.js';
import { emptyRuleset, overwrite } from '../../src/nftables/applied.js';
import { generationInUse, isCacheChain, isCacheSet } from '../../src/nftables/cache.js';
import { differences } from '../../src/nftables/differences.js';
import { isDirty } from '../../src/nftables/dirty.js';
import { planChange, type Plan, type Step } from '../../src/nftables/plan.js';
import { render, Renderer, type RenderOptions } from '../../src/nftables/renderer.js';
import { printRuleset } from '../../src/nftables/text.js';
import { effectOf } from '../../src/program/effect.js';
import type { PolicyProgram } from '../../src/program/types.js';
import { addressPool, cluster, fold, history, outsiders, portPool } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { FakeTable } from './fake-table.js';
import { Interpreter } from './interpreter.js';

const cut: RenderOptions = { established: 'cut' };
/** Peers that are pods are always looked up in maps. */
const mapped: RenderOptions = { ...cut, listsTried: 0 };
const scopes: readonly CompilerOptions[] = [{ scope: { node: 'n1' } }, { scope: { node: 'n2' }, unknownPods: 'deny' }];
const runs = { numRuns: cases(60) };

const stepsOf = (plan: Plan): Step[] => [
  ...plan.build,
  ...(plan.switch === undefined ? [] : [plan.switch]),
  ...plan.sweep,
];

/** Flows between all addresses, but those of nodes, which never pass `forward`. */
function flows(program: PolicyProgram): Flow[] {
  const own = new Set([...program.nodes.values()].flat());
  const addresses = [...outsiders, ...addressPool].filter((address) => !own.has(address));
  return addresses.flatMap((source) =>
    addresses
      .filter((destination) => source.includes(':') === destination.includes(':'))
      .flatMap((destination) => [
        { source, destination, protocol: 'other' as const, port: 0 },
        ...(['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) =>
          portPool.map((port) => ({ source, destination, protocol, port })),
        ),
      ]),
  );
}

const rendered = scopes.flatMap((scope) => [cut, mapped].map((how) => ({ scope, how })));

describe.each(rendered)('the ruleset of $scope, $how', ({ scope: options, how }) => {
  test('after every step of any history is the one rendered from scratch', () => {
    fc.assert(
      fc.property(cluster, history, (start, steps) => {
        const compiler = new Compiler(options);
        const renderer = new Renderer(how);
        renderer.apply(compiler.apply(changesFrom(start)));
        const all = [];
        for (const step of steps) {
          all.push(...step);
          renderer.apply(compiler.apply(step));
          const scratch = render(compile(fold(start, all), options), how);
          expect(printRuleset(renderer.ruleset())).toBe(printRuleset(scratch));
        }
      }),
      runs,
    );
  });

  test('decides every flow as evaluation does', () => {
    fc.assert(
      fc.property(cluster, (start) => {
        const program = compile(start, options);
        const evaluator = new Evaluator(program);
        const kernel = new Interpreter(render(program, how));
        const wrong = flows(program).filter((flow) => kernel.allows(flow) !== evaluator.evaluate(flow).allowed);
        expect(wrong.slice(0, 2)).toEqual([]);
      }),
      runs,
    );
  });

  test('is reached by plans that no kernel refuses, and the model of the kernel stays true', () => {
    fc.assert(
      fc.property(cluster, history, (start, steps) => {
        const compiler = new Compiler(options);
        const renderer = new Renderer(how);
        const table = new FakeTable();
        const applied = emptyRuleset();
        for (const changes of [changesFrom(start), ...steps]) {
          const change = compiler.apply(changes);
          const [dirty, effect] = [renderer.apply(change), effectOf(change)];
          const wanted = renderer.ruleset();
          const before = generationInUse(applied);
          for (const step of stepsOf(planChange({ wanted, applied, dirty, effect }))) {
            table.apply(step.transaction);
            step.record();
          }
          expect(isDirty(differences(wanted, table.state))).toBe(false);
          expect(isDirty(differences(applied, table.state))).toBe(false);
          if (effect === 'widens') expect(generationInUse(applied)).toBe(before ?? 1);
          if (effect === 'narrows' && before !== undefined) expect(generationInUse(applied)).toBeGreaterThan(before);
          // One generation in use and one that stands ready, no third.
          expect([...table.state.sets.keys()].filter(isCacheSet)).toHaveLength(4);
          expect([...table.state.chains.keys()].filter(isCacheChain)).toHaveLength(9);
        }
      }),
      runs,
    );
  });
});

test('a plan that breaks off anywhere is completed by the next one, even from what is read back', () => {
  fc.assert(
    fc.property(
      cluster,
      cluster,
      fc.nat({ max: 3 }),
      fc.boolean(),
      fc.constantFrom(cut, mapped),
      (from, to, stop, readBack, how) => {
        const options = scopes[0] as CompilerOptions;
        const [first, wanted] = [from, to].map((state) => render(compile(state, options), how)) as [
          ReturnType<typeof render>,
          ReturnType<typeof render>,
        ];
        const table = new FakeTable();
        let applied = emptyRuleset();
        const converge = (goal: typeof first, limit: number): void => {
          const dirty = differences(goal, applied);
          const plan = stepsOf(planChange({ wanted: goal, applied, dirty, effect: 'narrows' }));
          for (const step of plan.slice(0, limit)) {
            table.apply(step.transaction);
            step.record();
          }
        };
        converge(first, Infinity);
        converge(wanted, stop);
        if (readBack) {
          applied = emptyRuleset();
          overwrite(applied, table.state);
        }
        converge(wanted, Infinity);
        expect(isDirty(differences(wanted, table.state))).toBe(false);
        expect(isDirty(differences(applied, table.state))).toBe(false);
      },
    ),
    runs,
  );
});
