/**
 * A delay in a core that does not know the time: it begins with the first `due()` after `start()`. Until then its deadline is 0, which makes
 * whoever drives the core tell the time at once.
 */
export class Countdown {
  #length = Number.POSITIVE_INFINITY;
  #at = Number.POSITIVE_INFINITY;
  #begun = true;

  /** When `due` has something to say, in milliseconds, or Infinity. */
  get deadline(): number {
    return this.#begun ? this.#at : 0;
  }

  /** Begins anew. `length` in milliseconds; Infinity never ends. */
  start(length: number): void {
    this.#length = length;
    this.#at = Number.POSITIVE_INFINITY;
    this.#begun = length === Number.POSITIVE_INFINITY;
  }

  /** Is never due. */
  stop(): void {
    this.start(Number.POSITIVE_INFINITY);
  }

  /** True once, when the delay is over. */
  due(now: number): boolean {
    if (!this.#begun) {
      this.#begun = true;
      this.#at = now + this.#length;
    }
    if (now < this.#at) return false;
    this.stop();
    return true;
  }
}
