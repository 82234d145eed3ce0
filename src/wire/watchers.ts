import { IscsiError } from '../errors.ts';
import { now } from '../node/clock.ts';

/** How long anything is waited for unless the caller says otherwise, in milliseconds. */
export const DEFAULT_PATIENCE = 5_000;

/**
 * Those who wait for something to change. Each tries again at every change, the one that came first before the others,
 * until it succeeds, its time is over or its signal aborts: nothing here waits for ever.
 *
 * @example
 * const watchers = new Watchers();
 * const box: number[] = [];
 * const found = watchers.until(() => box.pop(), 1_000);
 * box.push(7);
 * watchers.wake();
 * await found; // 7
 * await watchers.until(() => box.pop(), 5); // undefined
 */
export class Watchers {
  readonly #waiting = new Set<() => void>();

  /** Lets all try again. */
  wake(): void {
    for (const attempt of this.#waiting) attempt();
  }

  /**
   * Waits until `attempt` gives something.
   * @param within Milliseconds.
   * @returns What `attempt` gave, or undefined when the time is over.
   * @throws {IscsiError} `ISCSI_ABORTED` when the signal aborts, `ISCSI_USAGE` when the time cannot be.
   */
  async until<T>(attempt: () => T | undefined, within: number, signal?: AbortSignal): Promise<T | undefined> {
    checkPatience(within);
    if (signal?.aborted) throw waitAborted(signal);
    const already = attempt();
    if (already !== undefined) return already;
    return await new Promise((resolve, reject) => {
      const tryAgain = (): void => {
        const found = attempt();
        if (found !== undefined) settle(() => resolve(found));
      };
      const onAbort = (): void => settle(() => reject(waitAborted(signal)));
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(tryAgain);
        done();
      };
      const timer = setTimeout(() => settle(() => resolve(undefined)), within);
      signal?.addEventListener('abort', onAbort);
      this.#waiting.add(tryAgain);
    });
  }
}

/** The longest time that a timer of Node can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** @throws {IscsiError} `ISCSI_USAGE` when nobody can wait for so many milliseconds. */
export function checkPatience(within: number): void {
  if (within >= 0 && within <= LONGEST) return;
  throw new IscsiError('ISCSI_USAGE', `Cannot wait for ${within} ms: 0..${LONGEST} allowed`);
}

/** A countdown from `within` milliseconds: what is left of it, down to 0. */
export function countdown(within: number): () => number {
  const deadline = now() + within;
  return () => Math.max(0, deadline - now());
}

/** The error for a signal that has aborted. */
export function waitAborted(signal: AbortSignal | undefined): IscsiError {
  return new IscsiError('ISCSI_ABORTED', 'Cannot wait on: the signal was aborted', { cause: signal?.reason });
}
