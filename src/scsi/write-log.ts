/** How many of the last writes are known: more than any queue is deep. A power of two. */
const KEPT = 4096;
const MASK = KEPT - 1;
const NONE = new Float64Array(0);

/**
 * What was written over one port, and in which order, as far as that decides what a lost connection means: whether a
 * write may be sent again, and whether one that was acknowledged may be gone. Ports that come back after a loss have
 * one. It costs a write a few additions, and 64 KiB from
 * the first one on.
 *
 * @example
 * const log = new WriteLog();
 * const first = log.note(0, 8);
 * log.note(100, 108);
 * log.writtenSince(first, 0, 8); // false
 * log.note(7, 9);
 * log.writtenSince(first, 0, 8); // true
 */
export class WriteLog {
  /** How often writes that were acknowledged, but not flushed, may have been lost. */
  losses = 0;
  /** Writes that were acknowledged without being on stable storage, since ever. */
  acknowledged = 0;

  #last = 0;
  #flushed = 0;
  #from = NONE;
  #to = NONE;

  /** A write to the blocks from `from` on, `to` not included, is about to be sent. @returns Its place, from 1 on. */
  note(from: number, to: number): number {
    if (this.#last === 0) {
      this.#from = new Float64Array(KEPT);
      this.#to = new Float64Array(KEPT);
    }
    const order = ++this.#last;
    this.#from[order & MASK] = from;
    this.#to[order & MASK] = to;
    return order;
  }

  /**
   * Whether anything was written, or is being written, to some of these blocks since the write at `order`. True also
   * when too many have been written since to know.
   *
   * @param unsent Places of writes that were never sent.
   */
  writtenSince(order: number, from: number, to: number, unsent?: ReadonlySet<number>): boolean {
    if (this.#last - order >= KEPT) return true;
    for (let later = order + 1; later <= this.#last; later++) {
      const apart = (this.#from[later & MASK] ?? 0) >= to || (this.#to[later & MASK] ?? 0) <= from;
      if (!apart && unsent?.has(later) !== true) return true;
    }
    return false;
  }

  /** What was acknowledged up to this number (see `acknowledged`) is on stable storage. */
  flushed(acknowledged: number): void {
    this.#flushed = Math.max(this.#flushed, acknowledged);
  }

  /** The device may have been gone meanwhile. */
  lost(): void {
    if (this.acknowledged === this.#flushed) return;
    this.#flushed = this.acknowledged; // what is told of once is not told of again
    this.losses++;
  }
}
