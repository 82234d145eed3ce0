/**
 * A seeded generator: the same seed gives the same run. The seed of a failing test is in its name; `SEED=n` runs that
 * one alone.
 */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** 0..2^32-1 (mulberry32). */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number of 0..`below`-1. */
  below(below: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * below);
  }

  /** True once in `times`. */
  onceIn(times: number): boolean {
    return this.below(times) === 0;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.uint32();
    return bytes;
  }
}

/** The seeds to run: the one in `SEED`, or `count` of them. */
export function seeds(count: number): number[] {
  const only = process.env['SEED'];
  return only === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(only)];
}
