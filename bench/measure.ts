/** Measuring small things: nanoseconds per call, best and spread of several runs. */

export interface Timing {
  readonly name: string;
  /** Nanoseconds per unit of work, of the best run: noise only ever adds. */
  readonly best: number;
  readonly median: number;
  readonly worst: number;
}

const RUNS = 9;
const RUN_MILLISECONDS = 60;

/** Times `work`, which does `units` units of work per call. */
export function time(name: string, units: number, work: () => void): Timing {
  let calls = 1;
  for (;;) {
    const started = performance.now();
    for (let call = 0; call < calls; call++) work();
    if (performance.now() - started > RUN_MILLISECONDS / 2) break;
    calls *= 2;
  }
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    for (let call = 0; call < calls; call++) work();
    runs.push(((performance.now() - started) * 1e6) / (calls * units));
  }
  runs.sort((a, b) => a - b);
  return { name, best: runs[0] ?? 0, median: median(runs), worst: runs.at(-1) ?? 0 };
}

/** The middle of sorted or unsorted values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
