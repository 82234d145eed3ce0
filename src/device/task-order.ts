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
 */
import type { Eventually } from './eventually.ts';

/** What a command does to its range. A flush waits for earlier writes and is not waited for. */
export type Access = 'read' | 'write' | 'flush';

interface Entry {
  readonly from: number;
  readonly to: number;
  readonly access: Access;
  readonly work: () => Eventually;
  /** Called when `work` has ended, with its error if there is one. */
  readonly done: (error?: unknown) => void;
  started: boolean;
}

/** The commands of one logical unit that are not finished, oldest first. */
export class TaskOrder {
  readonly #entries: Entry[] = [];
  readonly #waiting: (() => void)[] = [];
  #pumping = false;
  #again = false;

  /** True when nothing is in flight: then a command that ends at once needs no entry. Hot. */
  get idle(): boolean {
    return this.#entries.length === 0;
  }

  /**
   * Runs `work` on the bytes `[from, to)` as soon as the order allows, at once when it can, and then `done`, exactly
   * once. An error that `work` throws, or its promise is rejected with, goes to `done`.
   */
  run(access: Access, from: number, to: number, work: () => Eventually, done: (error?: unknown) => void): void {
    const entry: Entry = { from, to, access, work, done, started: false };
    const blocked = this.#isBlocked(entry, this.#entries.length);
    this.#entries.push(entry);
    if (!blocked) this.#start(entry);
  }

  /** Ends when no command is in flight. */
  whenIdle(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(entry: Entry): void {
    entry.started = true;
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
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    try {
      entry.done(error);
    } finally {
      this.#pump();
      if (this.idle) for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  // Work that ends at once calls #finish inside #start: go round again instead of deeper, so that a long queue needs no
  // deep stack.
  #pump(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#again = false;
      for (let at = 0; at < this.#entries.length && !this.#again; at++) {
        const entry = this.#entries[at];
        if (entry && !entry.started && !this.#isBlocked(entry, at)) this.#start(entry);
      }
    } while (this.#again);
    this.#pumping = false;
  }

  /** Whether one of the first `count` entries keeps `entry` from starting. */
  #isBlocked(entry: Entry, count: number): boolean {
    for (let at = 0; at < count; at++) {
      const earlier = this.#entries[at];
      if (earlier && earlier.from < entry.to && entry.from < earlier.to && conflicts(earlier, entry)) return true;
    }
    return false;
  }
}

function conflicts(earlier: Entry, later: Entry): boolean {
  if (earlier.access === 'flush') return false;
  return earlier.access === 'write' || later.access === 'write';
}
