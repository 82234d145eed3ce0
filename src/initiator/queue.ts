/**
 * First in, first out, for what waits: commands for the window, requests for their turn. Each is in it once at the
 * most. Adding, taking the first and withdrawing any one cost the same, however many wait.
 */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  /** Counts items from the first that was ever added, so that a place stays the same when gaps are cut off. */
  readonly #places = new Map<T, number>();
  #cutOff = 0;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(item: T): void {
    this.#places.set(item, this.#cutOff + this.#items.length);
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Takes an item out; one that is not in it is left alone. */
  remove(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    this.#items[place - this.#cutOff] = undefined;
    this.#closeGaps();
  }

  /** Moves on over the gaps in front, so that what is at the head is always an item, and cuts them off now and then. */
  #closeGaps(): void {
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined) this.#head++;
    const long = this.#head >= 1024 && this.#head * 2 >= this.#items.length;
    if (!long && !this.empty) return;
    this.#items = this.empty ? [] : this.#items.slice(this.#head);
    this.#cutOff += this.#head;
    this.#head = 0;
  }
}
