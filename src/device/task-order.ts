/**
 * Which commands of a logical unit may touch the store at the same time.
 *
 * A command waits for each earlier one whose range overlaps its own when one of the two writes. So
 * - a command never sees half of another, and the blocks hold what one order of the commands explains;
 * - of two overlapping writes the later one stays, as the QUEUE ALGORITHM MODIFIER 0 of the Control mode page promises;
 * - a READ that comes after the answer to a WRITE sees it: the write had ended before it was answered, and the read
 *   starts after that;
 * - a flush covers each write that came before it, also one that is not answered yet.
 *
 * Commands that do not overlap run together and end in any order. Nobody waits for a later command, so none waits
 * forever.
 *
 * A command that must wait does so for one of those before it; when that has ended, for another one, if there is still
 * one. Which of them is left to chance, so that in whatever order they end, it looks again as often as the logarithm of
 * their number; and to find one takes as many steps. So what a command costs does not grow with those that wait.
 */
import type { Eventually } from './eventually.ts';
import { IndexedRange, RangeIndex } from './range-index.ts';

/** What a command does to its range. A flush waits for earlier writes and is not waited for. */
export type Access = 'read' | 'write' | 'flush';

class Entry extends IndexedRange {
  readonly access: Access;
  readonly work: () => Eventually;
  /** Called when `work` has ended, with its error if there is one. */
  readonly done: (error?: unknown) => void;
  /** Those that look again when this one has ended. */
  waiters: Entry[] | undefined = undefined;

  constructor(
    access: Access,
    from: number,
    to: number,
    number: number,
    work: () => Eventually,
    done: (error?: unknown) => void,
  ) {
    super(from, to, number);
    this.access = access;
    this.work = work;
    this.done = done;
  }
}

/** The commands of one logical unit that are not finished. */
export class TaskOrder {
  readonly #reads = new RangeIndex<Entry>();
  readonly #writes = new RangeIndex<Entry>();
  /** Those that nothing keeps from starting any more, oldest first. */
  readonly #ready: Entry[] = [];
  readonly #onIdle: (() => void)[] = [];
  #unfinished = 0;
  #number = 0;
  #starting = false;

  /** True when nothing is in flight: then a command that ends at once needs no entry. Hot. */
  get idle(): boolean {
    return this.#unfinished === 0;
  }

  /** How many commands have not ended. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /**
   * Runs `work` on the bytes `[from, to)` as soon as the order allows, at once when it can, and then `done`, exactly
   * once. An error that `work` throws, or its promise is rejected with, goes to `done`.
   */
  run(access: Access, from: number, to: number, work: () => Eventually, done: (error?: unknown) => void): void {
    const entry = new Entry(access, from, to, this.#number++, work, done);
    this.#unfinished++;
    const waits = this.#waits(entry);
    if (access === 'read') this.#reads.add(entry);
    else if (access === 'write') this.#writes.add(entry);
    if (!waits) this.#start(entry);
  }

  /** Ends when no command is in flight. */
  whenIdle(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Whether an earlier command keeps `entry` from starting: then it waits for that. */
  #waits(entry: Entry): boolean {
    const { access, from, to, number } = entry;
    const read = access === 'write' ? this.#reads.find(from, to, number) : undefined;
    const blocker = read ?? this.#writes.find(from, to, number);
    if (blocker === undefined) return false;
    blocker.waiters ??= [];
    blocker.waiters.push(entry);
    return true;
  }

  #start(entry: Entry): void {
    let result: Eventually;
    try {
      result = entry.work();
    } catch (error) {
      this.#finish(entry, error ?? new Error('The store failed without a reason'));
      return;
    }
    if (result === undefined) this.#finish(entry);
    else
      result.then(
        () => this.#finish(entry),
        (error: unknown) => this.#finish(entry, error ?? new Error('The store failed without a reason')),
      );
  }

  #finish(entry: Entry, error?: unknown): void {
    this.#unfinished--;
    if (entry.access === 'read') this.#reads.remove(entry);
    else if (entry.access === 'write') this.#writes.remove(entry);
    try {
      entry.done(error);
    } finally {
      if (entry.waiters !== undefined) this.#release(entry.waiters);
      if (this.idle) for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }

  #release(waiters: readonly Entry[]): void {
    for (const waiter of waiters) if (!this.#waits(waiter)) this.#ready.push(waiter);
    if (!this.#starting) this.#startReady();
  }

  // Work that ends at once calls #release inside #start: those that it lets go are put to the others instead of being
  // started there, so that a long queue needs no deep stack.
  #startReady(): void {
    this.#starting = true;
    let at = 0;
    try {
      for (let next = this.#ready[at]; next !== undefined; next = this.#ready[at]) {
        at++;
        this.#start(next);
      }
    } finally {
      this.#starting = false;
      this.#ready.splice(0, at);
      if (this.#ready.length > 0) this.#startReady(); // one has thrown, and the others are not to suffer
    }
  }
}
