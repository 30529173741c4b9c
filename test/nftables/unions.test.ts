/** Rules with many peers and ports: a union of each, whose members overlap, narrow themselves only, and never mix. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compile, Compiler } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { changesFrom, type ClusterSnapshot } from '../../src/model/cluster.js';
import {
  directions,
  type AnyPolicy,
  type Direction,
  type NetworkPolicy,
  type PolicyRule,
} from '../../src/model/policy.js';
import { render, Renderer, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';
import type { RuleOrigin } from '../../src/program/types.js';
import { isAllowed, type Question } from '../oracle/oracle.js';
import { addressPool, cluster, fold, history, outsiders, portPool, rule } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { Interpreter } from './interpreter.js';

/** More peers than a packet looks up one after another, and of every kind; some of them the same. */
const wideRule: fc.Arbitrary<PolicyRule> = fc.array(rule, { minLength: 2, maxLength: 14 }).map((parts) => {
  const peers = parts.flatMap((part) => (part.peers === 'anyone' ? [] : part.peers));
  const ports = parts.flatMap((part) => (part.ports === 'anyPort' ? [] : part.ports)).slice(0, 8);
  return { peers: peers.length === 0 ? 'anyone' : peers, ports: ports.length === 0 ? 'anyPort' : ports };
});
const wideRules = fc.array(wideRule, { minLength: 1, maxLength: 2 });

const widened = (policy: AnyPolicy, rules: readonly PolicyRule[]): AnyPolicy =>
  policy.kind === 'broken'
    ? policy
    : { ...policy, ...(policy.ingress && { ingress: rules }), ...(policy.egress && { egress: rules }) };

const wideCluster: fc.Arbitrary<ClusterSnapshot> = fc
  .tuple(cluster, fc.array(wideRules, { minLength: 6, maxLength: 6 }))
  .map(([one, rules]) => ({
    ...one,
    policies: one.policies.map((policy, index) => widened(policy, rules[index] ?? [])),
  }));

/** Between all addresses but those of nodes, which never pass `forward`. */
function questions({ nodes }: ClusterSnapshot): readonly Question[] {
  const own = new Set(nodes.flatMap(({ addresses }) => addresses));
  const addresses = [...outsiders, ...addressPool].filter((address) => !own.has(address));
  return addresses.flatMap((source) =>
    addresses
      .filter((destination) => source.includes(':') === destination.includes(':'))
      .flatMap((destination) => [
        { source, destination, protocol: 'other' as const, port: 0 },
        ...(['TCP', 'UDP'] as const).flatMap((protocol) =>
          portPool.map((port) => ({ source, destination, protocol, port })),
        ),
      ]),
  );
}

const scope = { scope: 'everywhere' } as const;
const how: readonly RenderOptions[] = [{ established: 'reevaluate' }, { established: 'reevaluate', inlineLists: 0 }];

describe.each(how)('wide rules (%j)', (options) => {
  test('evaluation and the ruleset decide every flow as the oracle does', () => {
    fc.assert(
      fc.property(wideCluster, (snapshot) => {
        const program = compile(snapshot, scope);
        const evaluator = new Evaluator(program);
        const kernel = new Interpreter(render(program, options));
        const wrong = questions(snapshot).filter((question) => {
          const expected = isAllowed(snapshot, question);
          return evaluator.evaluate(question).allowed !== expected || kernel.allows(question) !== expected;
        });
        expect(wrong.slice(0, 2)).toEqual([]);
      }),
      { numRuns: cases(60) },
    );
  });

  test('after every step of any history the ruleset is the one rendered from scratch', () => {
    fc.assert(
      fc.property(wideCluster, history, wideRules, (start, steps, rules) => {
        const wideSteps = steps.map((step) =>
          step.map((change) =>
            change.kind === 'policy' && change.policy !== undefined
              ? { ...change, policy: widened(change.policy, rules) }
              : change,
          ),
        );
        const compiler = new Compiler(scope);
        const renderer = new Renderer(options);
        renderer.apply(compiler.apply(changesFrom(start)));
        const all = [];
        for (const step of wideSteps) {
          all.push(...step);
          renderer.apply(compiler.apply(step));
          expect(printRuleset(renderer.ruleset())).toBe(
            printRuleset(render(compile(fold(start, all), scope), options)),
          );
        }
      }),
      { numRuns: cases(60) },
    );
  });
});

/** Of one policy in one direction: every peer with every port that alone would allow it, in the order of the YAML. */
function allowingPairs(snapshot: ClusterSnapshot, policy: NetworkPolicy, direction: Direction, question: Question) {
  const { kind, ref, appliesTo } = policy;
  return (policy[direction] ?? []).flatMap((one, ruleIndex) => {
    const peers =
      one.peers === 'anyone' ? [{ peers: one.peers }] : one.peers.map((peer, at) => ({ peers: [peer], peer: at }));
    const ports =
      one.ports === 'anyPort' ? [{ ports: one.ports }] : one.ports.map((port, at) => ({ ports: [port], port: at }));
    return peers.flatMap(({ peers: from, ...peer }) =>
      ports.flatMap(({ ports: on, ...port }) => {
        const alone: NetworkPolicy = { kind, ref, appliesTo, [direction]: [{ peers: from, ports: on }] };
        const isAllowedAlone = isAllowed({ ...snapshot, policies: [alone] }, question);
        return isAllowedAlone ? [{ policy: ref, direction, rule: ruleIndex, ...peer, ...port }] : [];
      }),
    );
  });
}

test('the reasons of an allowed flow are exactly the peers and ports that alone would allow it', () => {
  let seen = 0;
  fc.assert(
    fc.property(wideCluster, fc.array(fc.nat(), { minLength: 30, maxLength: 30 }), (snapshot, picks) => {
      const evaluator = new Evaluator(compile(snapshot, scope));
      const all = questions(snapshot);
      for (const pick of picks) {
        const question = all[pick % all.length];
        if (question === undefined) continue;
        const { reasons } = evaluator.evaluate(question);
        for (const direction of directions) {
          const found: RuleOrigin[] = [];
          for (const reason of reasons)
            if (reason.direction === direction && reason.kind === 'allowedBy') found.push(...reason.rules);
          if (found.length === 0) continue;
          const { policy: by } = found[0] as RuleOrigin;
          const policy = snapshot.policies.find(({ ref }) => ref === by);
          if (policy?.kind !== 'policy') throw new Error('a rule of no policy');
          seen += 1;
          expect(found.filter((origin) => origin.policy === by)).toEqual(
            allowingPairs(snapshot, policy, direction, question),
          );
        }
      }
    }),
    { numRuns: cases(100) },
  );
  expect(seen).toBeGreaterThan(0);
});
