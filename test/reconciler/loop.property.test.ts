/**
 * The whole loop while the world fails now and then: nft refuses, or breaks off before or after it has done its work; another
 * process commits, and the reading that follows comes late, of before or after what the loop did meanwhile, or fails.
 * Whatever the order in which namespaces have their turns, nothing of what the loop itself sends is refused, and at the end
 * the ruleset is the one rendered from scratch.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changesFrom, type ClusterSnapshot } from '../../src/model/cluster.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import { cluster, history } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { Loop, settle } from './loop-on-fakes.js';

/** Of one transaction. A turn that is refused three times is taken for a policy's fault, so that there are two refusals. */
const fate = fc.oneof(
  { weight: 12, arbitrary: fc.constant('done') },
  { weight: 1, arbitrary: fc.constantFrom('refused', 'lost before', 'lost after') },
);
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;
const mostRefusals = 2;

/** Of one reading. */
const readings = fc.infiniteStream(
  fc.record({
    outcome: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('as it began', 'as it ended') },
      { weight: 1, arbitrary: fc.constant('fails') },
    ),
    /** Of the event loop. */
    turns: fc.constantFrom(0, 2, 10, 60),
  }),
);
type Reading = typeof readings extends fc.Arbitrary<fc.Stream<infer T>> ? T : never;

/** What goes on between two bursts of changes: turns of the event loop, and time; perhaps another process commits. */
const pauses = fc.infiniteStream(
  fc.record({
    turns: fc.constantFrom(1, 3, 10, 100),
    milliseconds: fc.constantFrom(0, 5, 50, 2000),
    other: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
);
type Pause = typeof pauses extends fc.Arbitrary<fc.Stream<infer T>> ? T : never;

/** Small ones, or a few that change everything at once. */
const bursts = fc.oneof(
  history,
  fc.array(
    history.map((steps) => steps.flat()),
    { minLength: 1, maxLength: 4 },
  ),
);

/** @param fates of its transactions, in their order @param took milliseconds of a transaction */
function disturb(
  { nft, clock }: Loop,
  fates: Iterator<Fate, Fate>,
  read: Iterator<Reading, Reading>,
  took: number,
): { end: () => void; refused: string[] } {
  const list = nft.list.bind(nft);
  nft.list = async (...table) => {
    if (isOver) return list(...table);
    const { outcome, turns } = read.next().value;
    const before = await list(...table);
    await settle(turns);
    if (outcome === 'fails') throw new NftError('failed', 'injected');
    return outcome === 'as it began' ? before : list(...table);
  };
  const refused: string[] = [];
  const apply = nft.apply.bind(nft);
  let refusals = 0;
  let isOver = false;
  nft.apply = async (transaction: Transaction) => {
    clock.advance(took);
    const next = isOver ? 'done' : fates.next().value;
    if (next === 'refused' && refusals < mostRefusals) {
      refusals += 1;
      throw new NftError('refused', 'injected');
    }
    if (next === 'lost before') throw new NftError('timed-out', 'injected');
    await apply(transaction).catch((error: unknown) => {
      refused.push(String(error));
      throw error;
    });
    if (next === 'lost after') throw new NftError('timed-out', 'injected');
  };
  return { refused, end: () => (isOver = true) };
}

const startOf = (one: ClusterSnapshot): Loop => new Loop(...changesFrom(one));

test('what the loop sends is never refused, and ends in the ruleset rendered from scratch', async () => {
  await fc.assert(
    fc.asyncProperty(
      cluster,
      bursts,
      fc.infiniteStream(fate),
      readings,
      pauses,
      fc.constantFrom(1, 30, 90),
      async (start, steps, fates, read, between, took) => {
        const loop = startOf(start);
        await settle(30);
        const { end, refused } = disturb(loop, fates, read, took);
        for (const changes of steps) {
          loop.push(...changes);
          const { turns, milliseconds, other } = between.next().value as Pause;
          await settle(turns);
          if (other) loop.reconciler.drift('4711 (nft)');
          loop.clock.advance(milliseconds);
        }
        end();
        // What is repaired or removed in the end is no change that waits.
        for (let [round, idle] = [0, 0]; idle < 3; round += 1, idle = loop.isIdle ? idle + 1 : 0) {
          if (round > 200) throw new Error(`the loop comes to no end: ${JSON.stringify(loop.lines.slice(-5))}`);
          loop.clock.advance(10_000);
          await settle(30);
        }
        expect(refused).toEqual([]);
        expect(loop.isConverged).toBe(true);
        await loop.reconciler[Symbol.asyncDispose]();
      },
    ),
    { numRuns: cases(300) },
  );
}, 120_000);
