/**
 * The seed of this run's random cases: another one each time, printed so that a failure can be told again with
 * `PODWALL_SEED=SEED npm test`.
 */
export const seed = Number(process.env['PODWALL_SEED'] ?? Date.now() % 2 ** 31);
if (!Number.isInteger(seed)) throw new Error('PODWALL_SEED must be an integer');
process.stderr.write(`random cases of seed ${seed}\n`);
