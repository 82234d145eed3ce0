// The global of the same name is looked up anew, through a getter, at each use: that costs as much as the call itself.
import { performance } from 'node:perf_hooks';

/** Milliseconds of a monotonic clock: what the cores are told. */
export function now(): number {
  return performance.now();
}
