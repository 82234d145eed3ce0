/** What can stand in a {@link Queue}, in one at a time. */
export interface Queued {
  /** Where it stands: kept by the queue. */
  queuedAt: number;
}

/**
 * First in, first out, for what waits: commands for the window, requests for their turn. Taking the first is O(1), and
 * so is withdrawing any: a target can let all time out at once by never opening the window.
 */
export class Queue<T extends Queued> {
  #items: (T | undefined)[] = [];
  #head = 0;
  /** The place of `#items[0]`, counted from the first that ever came. */
  #base = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(item: T): void {
    item.queuedAt = this.#base + this.#items.length;
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item !== undefined) this.#leave(this.#head);
    return item;
  }

  remove(item: T): void {
    const at = item.queuedAt - this.#base;
    if (this.#items[at] === item) this.#leave(at);
  }

  /** Leaves a gap, and moves on over the gaps in front: so what is at the head is always an item. */
  #leave(at: number): void {
    this.#items[at] = undefined;
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined) this.#head++;
    const worthwhile = this.#head >= 1024 && this.#head * 2 >= this.#items.length;
    if (worthwhile || this.#head === this.#items.length) this.#drop();
  }

  /** Forgets what was in front. */
  #drop(): void {
    this.#base += this.#head;
    if (this.#head === this.#items.length) this.#items.length = 0;
    else this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
