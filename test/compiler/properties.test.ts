import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler, compile, type CompilerOptions } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import type { Address } from '../../src/model/address.js';
import { changesFrom, type ClusterSnapshot } from '../../src/model/cluster.js';
import { changeFrom, emptyProgram } from '../../src/program/change.js';
import { printProgram } from '../../src/program/print.js';
import { validateProgram } from '../../src/program/validate.js';
import type { AnyPolicy } from '../../src/model/policy.js';
import { effectOf } from '../../src/program/effect.js';
import { isAllowed, type Question } from '../oracle/oracle.js';
import { addressPool, cluster, fold, history, hostPool, outsiders, portPool, rule } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { applyChange, sameProgram } from '../support/programs.js';

const scopes: readonly CompilerOptions[] = [
  { scope: 'everywhere' },
  { scope: { node: 'n1' } },
  { scope: { node: 'n2' }, unknownPods: 'deny' },
];

const runs = { numRuns: cases(2000) };

describe('the compiler', () => {
  test.each(scopes)('after every step of any history, incremental is the same as from scratch (%j)', (options) => {
    fc.assert(
      fc.property(cluster, history, (start, steps) => {
        const compiler = new Compiler(options);
        compiler.apply(changesFrom(start));
        const all = [];
        for (const step of steps) {
          compiler.apply(step);
          all.push(...step);
          const scratch = compile(fold(start, all), options);
          expect(printProgram(compiler.program())).toBe(printProgram(scratch));
          expect(validateProgram(compiler.program())).toEqual([]);
        }
      }),
      { numRuns: cases(400) },
    );
  });

  test.each(scopes)('the changes returned add up to the program (%j)', (options) => {
    fc.assert(
      fc.property(cluster, history, (start, steps) => {
        const compiler = new Compiler(options);
        let folded = applyChange(emptyProgram, compiler.apply(changesFrom(start)));
        for (const step of steps) {
          folded = applyChange(folded, compiler.apply(step));
          sameProgram(folded, compiler.program());
        }
        sameProgram(applyChange(emptyProgram, changeFrom(compiler.program())), compiler.program());
      }),
      { numRuns: cases(400) },
    );
  });

  test('the order of events does not matter', () => {
    fc.assert(
      fc.property(cluster, fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (start, ranks) => {
        const shuffled = changesFrom(start)
          .map((change, index) => ({ change, at: ranks[index] ?? 0 }))
          .sort((a, b) => a.at - b.at);
        const compiler = new Compiler({ scope: 'everywhere' });
        for (const { change } of shuffled) compiler.apply([change]);
        expect(printProgram(compiler.program())).toBe(printProgram(compile(start, { scope: 'everywhere' })));
      }),
      { numRuns: cases(400) },
    );
  });
});

describe('evaluation', () => {
  test('agrees with the oracle on every pair, port and protocol', () => {
    fc.assert(
      fc.property(cluster, (start) => {
        const evaluator = new Evaluator(compile(start, { scope: 'everywhere' }));
        const wrong = questions(start).filter((one) => evaluator.evaluate(one).allowed !== isAllowed(start, one));
        expect(wrong).toEqual([]);
      }),
      runs,
    );
  });

  test('each node’s program decides its own pods’ direction as the oracle does', () => {
    fc.assert(
      fc.property(cluster, (start) => {
        const nodes = ['n1', 'n2'].map((node) => new Evaluator(compile(start, { scope: { node } })));
        const wrong = questions(start).filter(
          (one) =>
            nodes.every((node) => node.evaluate(one).allowed) !== isAllowed(start, one) && !touchesOwnNode(start, one),
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: cases(500) },
    );
  });
});

describe('what may stay in a verdict cache', () => {
  const wide: readonly CompilerOptions[] = [{ scope: { node: 'n1' } }, { scope: { node: 'n2' }, unknownPods: 'deny' }];

  test.each(wide)('a change called widening forbids nothing, one without effect changes nothing (%j)', (options) => {
    let evaluated = 0;
    fc.assert(
      fc.property(cluster, history, (start, steps) => {
        const compiler = new Compiler(options);
        compiler.apply(changesFrom(start));
        // A node's own traffic never comes to the cache.
        const all = questions(fold(start, steps.flat()), []);
        const allowedNow = (): ReadonlySet<Question> => {
          const evaluator = new Evaluator(compiler.program());
          return new Set(all.filter((one) => evaluator.evaluate(one).allowed));
        };
        // As the kernel does: what was allowed once is remembered until a change narrows.
        let seen = allowedNow();
        for (const step of steps) {
          const effect = effectOf(compiler.apply(step));
          const allowed = allowedNow();
          if (effect !== 'narrows') expect([...seen].filter((one) => !allowed.has(one))).toEqual([]);
          if (effect === 'none') expect(allowed.size).toBe(seen.size);
          if (effect !== 'narrows') evaluated += 1;
          seen = allowed;
        }
      }),
      { numRuns: cases(100) },
    );
    expect(evaluated).toBeGreaterThan(0);
  });

  test('a policy more for pods that are isolated takes nothing away', () => {
    fc.assert(
      fc.property(cluster, fc.array(rule, { minLength: 1, maxLength: 3 }), fc.nat(), (start, rules, pick) => {
        const [first] = start.policies.slice(pick % Math.max(start.policies.length, 1));
        fc.pre(first?.kind === 'policy');
        const directions = { ...(first.ingress && { ingress: rules }), ...(first.egress && { egress: rules }) };
        const added: AnyPolicy = { ...first, ref: { ...first.ref, name: 'added' }, ...directions };
        const more = { ...start, policies: [...start.policies, added] };
        const [before, after] = [start, more].map((one) => new Evaluator(compile(one, { scope: 'everywhere' })));
        const lost = questions(start).filter((one) => before?.evaluate(one).allowed && !after?.evaluate(one).allowed);
        expect(lost).toEqual([]);
      }),
      { numRuns: cases(400) },
    );
  });
});

/** The flow between a pod and its own node stays on that node; the other one never sees it. */
const touchesOwnNode = (start: ClusterSnapshot, { source, destination }: Question): boolean =>
  [...start.nodes.map(({ addresses }) => addresses), ...start.pods.map(({ hostAddresses = [] }) => hostAddresses)].some(
    (addresses) => addresses.includes(source) || addresses.includes(destination),
  );

function questions(start: ClusterSnapshot, others: readonly Address[] = hostPool): Question[] {
  const addresses = [
    ...new Set([...start.pods.flatMap((pod) => pod.addresses), ...outsiders, ...others, ...addressPool.slice(0, 2)]),
  ];
  const pairs = addresses.flatMap((source) => addresses.map((destination) => ({ source, destination })));
  return pairs
    .filter(({ source, destination }) => source.includes(':') === destination.includes(':'))
    .flatMap((pair) => [
      { ...pair, protocol: 'other' as const, port: 0 },
      ...(['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) => portPool.map((port) => ({ ...pair, protocol, port }))),
    ]);
}
