/** One moment that is waited for. Whoever owns it knows the time, and says when it is over. */
export class Countdown {
  #at = Number.POSITIVE_INFINITY;

  /** When `due` has something to say, in milliseconds, or Infinity. */
  get deadline(): number {
    return this.#at;
  }

  /** Is due at `at`, whatever was said before; Infinity for never. */
  start(at: number): void {
    this.#at = at;
  }

  /** Is never due. */
  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** True once, when the moment has come. */
  due(now: number): boolean {
    if (now < this.#at) return false;
    this.stop();
    return true;
  }
}
