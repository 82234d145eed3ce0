/** One who waits, between those before and behind. */
interface Link<T> {
  readonly item: T;
  before: Link<T> | undefined;
  behind: Link<T> | undefined;
}

/**
 * Those who wait, in order of arrival. Whoever comes, goes first, or gives up costs the same, however many there are.
 */
export class WaitingList<T> {
  readonly #links = new Map<T, Link<T>>();
  #first: Link<T> | undefined = undefined;
  #last: Link<T> | undefined = undefined;

  get size(): number {
    return this.#links.size;
  }

  /** Who has waited longest. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  has(item: T): boolean {
    return this.#links.has(item);
  }

  /** Puts somebody at the end; whoever waits already keeps the place. */
  add(item: T): void {
    if (this.#links.has(item)) return;
    const link: Link<T> = { item, before: this.#last, behind: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.behind = link;
    this.#last = link;
    this.#links.set(item, link);
  }

  /** Takes somebody out. False when there was nobody. */
  delete(item: T): boolean {
    const link = this.#links.get(item);
    if (link === undefined) return false;
    this.#links.delete(item);
    const { before, behind } = link;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    return true;
  }

  clear(): void {
    this.#links.clear();
    this.#first = undefined;
    this.#last = undefined;
  }
}
