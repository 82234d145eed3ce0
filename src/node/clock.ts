/** Milliseconds of a monotonic clock: what the cores are told. */
export function now(): number {
  return performance.now();
}
