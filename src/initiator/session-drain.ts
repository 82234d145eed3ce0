/** Waits until nothing is under way any more, or until a moment at which waiting is over. */
export class SessionDrain {
  #then: (() => void) | undefined;
  #latest = Number.POSITIVE_INFINITY;

  /**
   * Calls `then` once: when `finish` is called, or `look` at `latest`. While it waits, only an earlier moment counts: a
   * target that asks for a logout again and again must not keep it from coming, nor must a caller who has more time.
   */
  begin(then: () => void, latest: number): void {
    if (this.#then !== undefined && latest >= this.#latest) return;
    this.#then = then;
    this.#latest = latest;
  }

  /** Nothing is under way. */
  finish(): void {
    const then = this.#then;
    this.stop();
    then?.();
  }

  /** Ends it when its time is up. @returns The moment at which to look again, or Infinity. */
  look(now: number): number {
    if (now >= this.#latest) this.finish();
    return this.#latest;
  }

  /** Waits no longer. */
  stop(): void {
    this.#then = undefined;
    this.#latest = Number.POSITIVE_INFINITY;
  }
}
