/**
 * Randomness that a failed run can be repeated with: the seed is printed on failure and taken back from the environment
 * variable SEED.
 */

/** The seed of this run. */
export const SEED = Number(process.env['SEED'] ?? Date.now() % 0x1_0000_0000) >>> 0;

/** A generator of whole numbers below `limit` (at most 2^32), always the same for one seed. */
export function randomBelow(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  };
}

/** Runs `body`; when it fails, the error tells the seed. */
export function seeded(body: (below: (limit: number) => number) => void): void {
  try {
    body(randomBelow(SEED));
  } catch (error) {
    throw new Error(`failed with SEED=${SEED}`, { cause: error });
  }
}
