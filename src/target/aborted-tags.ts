/** How many tags are remembered. */
const REMEMBERED = 256;

/**
 * The Initiator Task Tags of tasks that ended while their data may still have been on its way: what comes for them is
 * dropped without a word (RFC 7143 §10.7).
 */
export class AbortedTags {
  readonly #tags = new Set<number>();

  has(tag: number): boolean {
    return this.#tags.has(tag);
  }

  /** Notes a tag; the oldest one is forgotten when there are too many. */
  add(tag: number): void {
    this.#tags.delete(tag);
    this.#tags.add(tag);
    if (this.#tags.size <= REMEMBERED) return;
    for (const oldest of this.#tags) {
      this.#tags.delete(oldest);
      return;
    }
  }

  /** The tag has a new task. Hot path. */
  delete(tag: number): void {
    if (this.#tags.size > 0) this.#tags.delete(tag);
  }
}
