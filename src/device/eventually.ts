/**
 * Work that a store either has done when the call returns (RAM) or promises (files). Commands on a RAM store shall be
 * answered in the turn in which they arrive, without a promise between: so there is one code for both, and `await` only
 * where there is something to wait for.
 */

/** Done already, or when the promise settles. */
export type Eventually = void | Promise<void>;

/** Does `next` after `first`. */
export function andThen(first: Eventually, next: () => Eventually): Eventually {
  return first === undefined ? next() : first.then(next);
}

/**
 * Calls `body(at, length)` for each piece of `[from, to)` of at most `step`, one after the other. `body` returns false
 * to stop early.
 */
export function inPieces(
  from: number,
  to: number,
  step: number,
  body: (at: number, length: number) => false | Eventually,
): Eventually {
  for (let at = from; at < to; at += step) {
    const result = body(at, Math.min(step, to - at));
    if (result === false) return;
    if (result !== undefined) return rest(result, at + step, to, step, body);
  }
}

async function rest(
  first: Promise<void>,
  from: number,
  to: number,
  step: number,
  body: (at: number, length: number) => false | Eventually,
): Promise<void> {
  await first;
  for (let at = from; at < to; at += step) {
    if ((await body(at, Math.min(step, to - at))) === false) return;
  }
}
