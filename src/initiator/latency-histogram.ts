/*
  Buckets as HdrHistogram has them: linear up to 16 µs, then eight to each doubling, so that a bucket is never wider than
  an eighth of what is in it. Up to 2^32 µs, more than an hour.
*/

/** Eight buckets to each doubling. */
const SUB_BITS = 3;
const SUB_BUCKETS = 1 << SUB_BITS;
/** Below this, a bucket is one microsecond. */
const LINEAR = 2 * SUB_BUCKETS;
const BUCKETS = (31 - SUB_BITS) * SUB_BUCKETS + LINEAR;
const LONGEST = 0xffff_ffff;

/** The bucket of a time in whole microseconds, 0 to 2^32 - 1. Hot path. */
export function bucketOf(microseconds: number): number {
  if (microseconds < LINEAR) return microseconds;
  const shift = 31 - Math.clz32(microseconds) - SUB_BITS;
  return shift * SUB_BUCKETS + (microseconds >>> shift);
}

/** The shortest time in a bucket, in microseconds. */
export function bucketStart(bucket: number): number {
  if (bucket < LINEAR) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return (bucket - shift * SUB_BUCKETS) * 2 ** shift;
}

/** How often something took how long. Its memory is taken when the first time comes. */
export class LatencyHistogram {
  /** Doubles, since they count beyond 2^32. */
  #counts: Float64Array | undefined;
  count = 0;
  /** Microseconds, of all times together. */
  sum = 0;
  /** Microseconds; 0 before the first. */
  max = 0;

  /** @param microseconds Any number: what is below 0, such as after a clock was set back, counts as 0. Hot path. */
  add(microseconds: number): void {
    const whole = microseconds > 0 ? (microseconds < LONGEST ? Math.floor(microseconds) : LONGEST) : 0;
    this.#counts ??= new Float64Array(BUCKETS);
    const at = bucketOf(whole);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.count++;
    this.sum += whole;
    if (whole > this.max) this.max = whole;
  }

  /** The buckets in which something is, the shortest time first. */
  *buckets(): Generator<{ readonly from: number; readonly to: number; readonly count: number }> {
    for (const [at, count] of this.#counts?.entries() ?? []) {
      if (count > 0) yield { from: bucketStart(at), to: bucketStart(at + 1), count };
    }
  }
}
