/**
 * Reproducible randomness for tests: the seed is in every failure message and is taken back from the environment
 * variable SEED.
 */

/** A seeded source of bytes and numbers. */
export interface SeededRandom {
  /** For assertion messages: how to run the same again. */
  readonly note: string;
  /** A whole number, 0..limit-1. */
  below(limit: number): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** A new source: with the seed from SEED, or with one of its own. */
export function seededRandom(): SeededRandom {
  const seed =
    process.env['SEED'] === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(process.env['SEED']) >>> 0;
  let state = seed;
  function next(): number {
    state = (state + 0x9e37_79b9) >>> 0; // splitmix32
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
  return {
    note: `again with SEED=${seed}`,
    below: (limit) => next() % limit,
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
}
