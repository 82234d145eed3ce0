/*
  Buckets as HdrHistogram has them: linear up to 16 µs, then eight to each doubling, so that a bucket is never wider
  than an eighth of what is in it. Up to 2^32 µs, more than an hour.
*/

/** Eight buckets to each doubling. */
const SUB_BITS = 3;
const SUB_BUCKETS = 1 << SUB_BITS;
/** Below this, a bucket is one microsecond. */
const LINEAR = 2 * SUB_BUCKETS;
const LONGEST = 0xffff_ffff;

/** How many buckets there are. */
export const BUCKETS = (31 - SUB_BITS) * SUB_BUCKETS + LINEAR;

/** One bucket: how often something took `from` microseconds or more, and less than `to`. */
export interface Bucket {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A time as histograms take it: whole microseconds, and what cannot be as the nearest that can. Hot path. */
export function wholeMicroseconds(milliseconds: number): number {
  const microseconds = milliseconds * 1000;
  if (!(microseconds > 0)) return 0; // the clock was set back
  return microseconds < LONGEST ? microseconds >>> 0 : LONGEST;
}

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

/** The buckets in which something is, the shortest time first. `counts`: how often, by bucket. */
export function filledBuckets(counts: Float64Array): readonly Bucket[] {
  return [...counts].flatMap((count, at) =>
    count > 0 ? [{ from: bucketStart(at), to: bucketStart(at + 1), count }] : [],
  );
}
