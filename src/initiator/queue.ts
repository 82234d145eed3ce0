/**
 * First in, first out, for what waits: commands for the window, requests for their turn. Taking the first is O(1), and
 * so is withdrawing one that stands in front; withdrawing another one looks for it.
 */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item !== undefined) this.#leave(this.#head);
    return item;
  }

  remove(item: T): void {
    const at = this.#items.indexOf(item, this.#head);
    if (at >= 0) this.#leave(at);
  }

  /** Leaves a gap, and moves on over the gaps in front: so what is at the head is always an item. */
  #leave(at: number): void {
    this.#items[at] = undefined;
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined) this.#head++;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}
