/** A range of bytes that an index can hold, with the place that it has there. Its class extends this. */
export class IndexedRange {
  readonly from: number;
  readonly to: number;
  /** Larger for what came later. */
  readonly number: number;
  /** @internal The index's own, as all that follows. */
  left: this | undefined = undefined;
  /** @internal */
  right: this | undefined = undefined;
  /** @internal Random, and never smaller than those below it. */
  readonly priority = Math.random();
  /** @internal The greatest `to` of it and those below it. */
  mostTo: number;
  /** @internal The least `number` of it and those below it. */
  leastNumber: number;

  constructor(from: number, to: number, number: number) {
    this.from = from;
    this.to = to;
    this.number = number;
    this.mostTo = to;
    this.leastNumber = number;
  }
}

/**
 * Ranges, and which of them overlap another: a treap by where they begin. To add, to take out and to find one takes
 * steps as the logarithm of their number. The priorities are random, and not from a generator with a known seed, so
 * that nobody can choose ranges for which the tree becomes a list.
 */
export class RangeIndex<R extends IndexedRange> {
  #root: R | undefined = undefined;

  add(range: R): void {
    this.#root = insert(this.#root, range);
  }

  /** Takes out a range that was added. */
  remove(range: R): void {
    this.#root = without(this.#root, range);
  }

  /** One of the ranges that overlap `[from, to)` and have a number below `before`: whichever is found first. */
  find(from: number, to: number, before: number): R | undefined {
    return search(this.#root, from, to, before);
  }
}

function search<R extends IndexedRange>(top: R | undefined, from: number, to: number, before: number): R | undefined {
  for (let node = top; node !== undefined && node.mostTo > from && node.leastNumber < before; node = node.right) {
    if (node.from < to && from < node.to && node.number < before) return node;
    const found = search<R>(node.left, from, to, before);
    if (found !== undefined) return found;
    if (node.from >= to) return undefined; // and so do all to the right of it
  }
  return undefined;
}

function insert<R extends IndexedRange>(top: R | undefined, range: R): R {
  if (top === undefined) return range;
  if (range.priority > top.priority) {
    split(top, range);
    return updated(range);
  }
  if (isLeftOf(range, top)) top.left = insert<R>(top.left, range);
  else top.right = insert<R>(top.right, range);
  return updated(top);
}

/** Puts what is below `top` to the left and to the right of `range`. */
function split<R extends IndexedRange>(top: R | undefined, range: R): void {
  if (top === undefined) {
    range.left = undefined;
    range.right = undefined;
  } else if (isLeftOf(range, top)) {
    split<R>(top.left, range);
    top.left = range.right;
    range.right = updated(top);
  } else {
    split<R>(top.right, range);
    top.right = range.left;
    range.left = updated(top);
  }
}

function without<R extends IndexedRange>(top: R | undefined, range: R): R | undefined {
  if (top === undefined) return undefined;
  if (top === range) return merged<R>(range.left, range.right);
  if (isLeftOf(range, top)) top.left = without<R>(top.left, range);
  else top.right = without<R>(top.right, range);
  return updated(top);
}

/** Makes one of two trees of which all of `left` lies to the left of all of `right`. */
function merged<R extends IndexedRange>(left: R | undefined, right: R | undefined): R | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.priority > right.priority) {
    left.right = merged<R>(left.right, right);
    return updated(left);
  }
  right.left = merged<R>(left, right.left);
  return updated(right);
}

function isLeftOf(range: IndexedRange, other: IndexedRange): boolean {
  return range.from < other.from || (range.from === other.from && range.number < other.number);
}

function updated<R extends IndexedRange>(node: R): R {
  const { left, right } = node;
  node.mostTo = Math.max(node.to, left?.mostTo ?? 0, right?.mostTo ?? 0);
  const inf = Number.POSITIVE_INFINITY;
  node.leastNumber = Math.min(node.number, left?.leastNumber ?? inf, right?.leastNumber ?? inf);
  return node;
}
