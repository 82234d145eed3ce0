// The global of the same name is looked up anew, through a getter, at each use: that costs as much as the call itself.
import { performance } from 'node:perf_hooks';

/** Milliseconds of a monotonic clock: what the cores are told. */
export function now(): number {
  return performance.now();
}

/** The longest delay of a timer of Node.js, in milliseconds; it takes a longer one for 1. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** The clock of this process, as ports have it: tells time and waits. */
export const CLOCK = { now, after } as const;

/** Calls `then` once, after `milliseconds`. @returns Stops waiting. */
function after(milliseconds: number, then: () => void): () => void {
  let left = milliseconds;
  const wait = (): NodeJS.Timeout => {
    const delay = Math.min(left, LONGEST_DELAY);
    left -= delay;
    return setTimeout(next, delay);
  };
  const next = (): void => {
    if (left > 0) timer = wait();
    else then();
  };
  let timer = wait();
  return () => clearTimeout(timer);
}
