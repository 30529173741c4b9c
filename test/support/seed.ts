/**
 * The seed of this run's random cases: another one each time, printed so that a failure can be reproduced with
 * `PODWALL_SEED=SEED npm test`.
 */
import fc from 'fast-check';

export const seed = Number(process.env['PODWALL_SEED'] ?? Date.now() % 2 ** 31);
if (!Number.isInteger(seed)) throw new Error('PODWALL_SEED must be an integer');
process.stderr.write(`random cases of seed ${seed}\n`);

const scale = process.env['PODWALL_PROPERTY_SCALE'];
export const isCutDown = scale !== undefined;

// Where a suite is only to say yes or no, nobody reads the smallest counterexample, which takes minutes to find.
fc.configureGlobal({ seed, endOnFailure: isCutDown });

/** Random cases of a property, cut down where the same suite is run again and again. */
export const cases = (count: number): number => Math.max(1, Math.round(count * Number(scale ?? 1)));
