import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler, compile, type CompilerOptions } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import type { Flow } from '../../src/evaluation/types.js';
import type { Verdict } from '../../src/evaluation/verdicts.js';
import { changesFrom } from '../../src/model/cluster.js';
import type { Direction } from '../../src/model/policy.js';
import { emptyRuleset, overwrite } from '../../src/nftables/language/mutable-ruleset.js';
import { cacheInUse, isCacheChain, isCacheSet } from '../../src/nftables/render/cache.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import type { AuditRules } from '../../src/nftables/render/log-rules.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { render, Renderer, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';
import { effectOf } from '../../src/program/effect.js';
import type { Endpoint, PolicyProgram } from '../../src/program/types.js';
import { cluster, fold, history, portPool } from '../support/arbitrary.js';
import { converge, stepsOf } from '../support/converge.js';
import { cases } from '../support/seed.js';
import { FakeTable } from './fake-table.js';
import { flowsOf } from './flows.js';
import { Interpreter } from './interpreter.js';

const reevaluate: RenderOptions = { established: 'reevaluate' };
/** The rules of all lists are put together, and found by buckets of ports and of peers. */
const bucketed: RenderOptions = { ...reevaluate, inlineLists: 0, inlineRules: 0 };
/** As a few lists are. */
const joined: RenderOptions = { ...reevaluate, inlineLists: 0, inlineRules: 2 };
/** Packets that nobody tracks are evaluated by their header. */
const stateless: RenderOptions = { ...reevaluate, untracked: 'stateless' };
const scopes: readonly CompilerOptions[] = [{ scope: { node: 'n1' } }, { scope: { node: 'n2' }, unknownPods: 'deny' }];
const runs = { numRuns: cases(60) };
const audit: AuditRules = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };

const rendered = scopes.flatMap((scope) =>
  [reevaluate, joined, bucketed, { ...bucketed, audit }, stateless].map((how) => ({ scope, how })),
);

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
        const wrong = flowsOf(program).filter((flow) => kernel.allows(flow) !== evaluator.evaluate(flow).allowed);
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
          const desired = renderer.ruleset();
          const before = cacheInUse(applied)?.generation;
          converge({ desired, applied, dirty, effect }, (transaction) => table.apply(transaction));
          expect(isDirty(findDrift(desired, table.state))).toBe(false);
          expect(isDirty(findDrift(applied, table.state))).toBe(false);
          if (effect === 'widens') expect(cacheInUse(applied)?.generation).toBe(before ?? 1);
          if (effect === 'narrows' && before !== undefined)
            expect(cacheInUse(applied)?.generation).toBeGreaterThan(before);
          // One generation in use and one that stands ready, no third.
          expect([...table.state.sets.keys()].filter(isCacheSet)).toHaveLength(2 * 2 * 5);
          expect([...table.state.chains.keys()].filter(isCacheChain)).toHaveLength(13);
        }
      }),
      runs,
    );
  });
});

describe.each(scopes)('packets that nobody tracks, on the rules of $scope', (scope) => {
  /** Every flow as the packet that asks, and as one that a packet from the same ports answers. */
  const decided = (
    program: PolicyProgram,
    how: RenderOptions,
    expected: (asks: boolean, answers: boolean, flow: Flow) => boolean,
  ): readonly unknown[] => {
    const evaluator = new Evaluator(program);
    const kernel = new Interpreter(render(program, how));
    return flowsOf(program).flatMap((flow) =>
      [portPool[0], flow.port].flatMap((sourcePort = 0) =>
        [false, true].flatMap((isMiddle) => {
          const answered = { ...flow, source: flow.destination, destination: flow.source, port: sourcePort };
          const beginsStream = flow.protocol === 'TCP' && !isMiddle;
          const packet = { untrackedFrom: sourcePort, ...(isMiddle ? { isMiddle } : {}) };
          const asks = evaluator.evaluate(flow).allowed;
          const answers = !beginsStream && evaluator.evaluate(answered).allowed;
          return kernel.allows(flow, packet) === expected(asks, answers, flow) ? [] : [{ flow, packet }];
        }),
      ),
    );
  };

  test('pass where policies allow their header as a flow or as the answer to one, if that is asked for', () => {
    fc.assert(
      fc.property(cluster, (start) => {
        const wrong = decided(compile(start, scope), stateless, (asks, answers) => asks || answers);
        expect(wrong.slice(0, 2)).toEqual([]);
      }),
      runs,
    );
  });

  test('pass only where no policy isolates either endpoint, if not', () => {
    fc.assert(
      fc.property(cluster, (start) => {
        const program = compile(start, scope);
        const isolated = new Set(
          [...program.endpoints.values()].flatMap(({ addresses, ingress, egress }) =>
            ingress.kind === 'isolated' || egress.kind === 'isolated' ? addresses : [],
          ),
        );
        const wrong = decided(
          program,
          reevaluate,
          (asks, _, { source, destination }) => asks && !isolated.has(source) && !isolated.has(destination),
        );
        expect(wrong.slice(0, 2)).toEqual([]);
      }),
      runs,
    );
  });
});

describe.each([reevaluate, joined, bucketed])('what is recorded of a flow (%j)', (how) => {
  const direction = { egress: 'out', ingress: 'in' } as const;
  /** On one node, and every other policy in a dry run. */
  const partlyDryRun = cluster.map((one) => ({
    ...one,
    pods: one.pods.map((pod) => ({ ...pod, node: 'n1' })),
    policies: one.policies.map((policy, index) => (index % 2 === 0 ? policy : { ...policy, mode: 'dry-run' as const })),
  }));

  /** Up to the end that drops it, as evaluation of both programs says. */
  function expected(program: PolicyProgram, verdicts: Record<'now' | 'then', Verdict>, flow: Flow): string[] {
    const denied = (verdict: Verdict, which: Direction): boolean =>
      verdict.reasons.some((reason) => reason.kind === 'isolatedBy' && reason.direction === which);
    const reported: string[] = [];
    if (verdicts.now.reasons.some(({ kind }) => kind === 'itself')) return reported;
    for (const which of ['egress', 'ingress'] as const) {
      const own = which === 'egress' ? flow.source : flow.destination;
      const endpoint = [...program.endpoints.values()].find(({ addresses }) => addresses.includes(own));
      if (endpoint === undefined) continue;
      const [now, then] = [denied(verdicts.now, which), denied(verdicts.then, which)];
      if (now !== then) reported.push(`dry-run-${then ? 'deny' : 'allow'}-${direction[which]}`);
      if (now) return [...reported, `deny-${direction[which]}`];
      if (endpoint.logsAllowed === true) reported.push(`allow-${direction[which]}`);
    }
    return reported;
  }

  test('is every denial, every allow that is asked for, and where a dry run differs', () => {
    let seen = 0;
    fc.assert(
      fc.property(partlyDryRun, (start) => {
        const program = compile(start, { scope: { node: 'n1' } });
        const all = compile(start, { scope: { node: 'n1' }, dryRun: 'none' });
        const [now, then] = [new Evaluator(program), new Evaluator(all)];
        const kernel = new Interpreter(render(program, { ...how, audit }));
        for (const flow of flowsOf(program)) {
          const verdicts = { now: now.evaluate(flow), then: then.evaluate(flow) };
          const logged = kernel.walk(flow).logged.map((chain) => /^(?:dry-run-)?[a-z]+-(?:in|out)/.exec(chain)?.[0]);
          // Without ports a relation is not cached as reported: each policy that would allow it says so.
          const once = flow.protocol === 'other' ? logged.filter((one, index) => one !== logged[index - 1]) : logged;
          seen += logged.filter((one) => one?.startsWith('dry-run-') === true).length;
          expect({ flow, logged: once }).toEqual({ flow, logged: expected(program, verdicts, flow) });
        }
      }),
      runs,
    );
    expect(seen).toBeGreaterThan(0);
  });

  test('is never remembered, so that it is met again; what only is enforced is', () => {
    fc.assert(
      fc.property(partlyDryRun, (start) => {
        const program = compile(start, { scope: { node: 'n1' } });
        const owner = (address: Flow['source']): Endpoint | undefined =>
          [...program.endpoints.values()].find(({ addresses }) => addresses.includes(address));
        const kernel = new Interpreter(render(program, { ...how, audit }));
        for (const flow of flowsOf(program)) {
          const [client, server] = [owner(flow.source), owner(flow.destination)];
          const isReported =
            client?.logsAllowed === true ||
            server?.logsAllowed === true ||
            (client?.egress.kind === 'open' && client.dryRun?.egress !== undefined) ||
            (server?.ingress.kind === 'open' && server.dryRun?.ingress !== undefined);
          const isPolicyAccepted = client?.egress.kind === 'isolated' || server?.ingress.kind === 'isolated';
          const { allowed, isCached } = kernel.walk(flow);
          const isItself = client !== undefined && client === server;
          const shouldBeCached = allowed && isPolicyAccepted && !isReported && !isItself && flow.protocol !== 'other';
          expect({ flow, isCached }).toEqual({ flow, isCached: shouldBeCached });
        }
      }),
      runs,
    );
  });

  test('is nothing else in a dry run of the whole agent, which drops nothing', () => {
    fc.assert(
      fc.property(cluster, (start) => {
        const options: CompilerOptions = { scope: { node: 'n1' }, unknownPods: 'deny', dryRun: 'all' };
        const program = compile(start, options);
        const kernel = new Interpreter(render(program, { ...how, audit, mode: 'dry-run' }));
        const dropped = flowsOf(program).filter((flow) => !kernel.allows(flow));
        expect(dropped.slice(0, 2)).toEqual([]);
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
      fc.nat({ max: 12 }),
      fc.boolean(),
      fc.record({ how: fc.constantFrom(reevaluate, joined, bucketed), limit: fc.constantFrom(1, 40, 10_000) }),
      (from, to, stop, readBack, { how, limit }) => {
        const options = scopes[0] as CompilerOptions;
        const [first, desired] = [from, to].map((state) => render(compile(state, options), how)) as [
          ReturnType<typeof render>,
          ReturnType<typeof render>,
        ];
        const table = new FakeTable();
        let applied = emptyRuleset();
        const moveTo = (goal: typeof first, steps: number): void => {
          const turn = { desired: goal, applied, dirty: findDrift(goal, applied), effect: 'narrows' as const };
          let left = steps;
          for (const [, step] of stepsOf(turn, limit)) {
            if (left === 0) return;
            left -= 1;
            table.apply(step.transaction);
            step.record();
          }
        };
        moveTo(first, Infinity);
        moveTo(desired, stop);
        if (readBack) {
          applied = emptyRuleset();
          overwrite(applied, table.state);
        }
        moveTo(desired, Infinity);
        expect(isDirty(findDrift(desired, table.state))).toBe(false);
        expect(isDirty(findDrift(applied, table.state))).toBe(false);
      },
    ),
    runs,
  );
});
