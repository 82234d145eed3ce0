/** Time as this process has it: what upper bounds are held against on a machine that has other things to do. */

/** Milliseconds between two looks at the clock. */
const STEP = 5;

/**
 * Measures milliseconds since the call, without those in which the event loop stood still: nothing that is timed in
 * this process could have come then. Lower bounds are for the clock itself, which `performance.now()` tells.
 *
 * @returns Gives the time so far. The loop is not kept going by it.
 */
export function loopTime(): () => number {
  let last = performance.now();
  let passed = 0;
  const look = (): void => {
    const now = performance.now();
    passed += Math.min(now - last, 2 * STEP);
    last = now;
  };
  setInterval(look, STEP).unref();
  return () => {
    look();
    return passed;
  };
}

/** The longest that a test waits for what must come, in milliseconds: a bound against hanging, not a demand. */
export const PATIENCE = 120_000;

/** Looks again and again until `condition` holds. @throws {Error} When it does not within {@link PATIENCE}. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > PATIENCE) throw new Error(`${what} does not come about`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
