import type { MemoryShare } from './memory-budget.ts';

/** What a budget needs to know of a task. */
export interface Budgeted {
  /** Bytes that it needs room for. */
  readonly dataOutLength: number;
  /** Whether they are counted. */
  granted: boolean;
}

/**
 * Bounds the memory for data that a connection has asked its initiator for, by a limit of its own and by its share of
 * the memory of all: R2Ts beyond it wait, oldest command first.
 * Oldest first also keeps commands that wait for each other in a task set from waiting for each other here.
 */
export class WriteBudget<T extends Budgeted> {
  readonly #limit: number;
  readonly #share: MemoryShare;
  readonly #waiting: T[] = [];
  readonly #grant: (task: T) => void;
  #used = 0;

  /** @param grant Called for a task that waited and may go on. */
  constructor(limit: number, share: MemoryShare, grant: (task: T) => void) {
    this.#limit = limit;
    this.#share = share;
    this.#grant = grant;
  }

  /** True when the task may ask for its data now. Otherwise `grant` will be called. */
  request(task: T): boolean {
    if (this.#waiting.length === 0 && this.#hasRoom(task)) {
      this.#take(task);
      return true;
    }
    if (!this.#waiting.includes(task)) this.#waiting.push(task);
    return false;
  }

  /** Gives back what a task was granted. */
  release(task: T): void {
    if (!task.granted) return;
    task.granted = false;
    this.#used -= task.dataOutLength;
    this.resume();
  }

  /** Lets those go on for whom there is room by now. */
  resume(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next);
      this.#grant(next);
    }
  }

  /** Takes a task off the list of those that wait. */
  withdraw(task: T): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** A single command larger than the limit is let through alone; larger than the memory of all it cannot be. */
  #hasRoom({ dataOutLength }: T): boolean {
    if (this.#used > 0 && this.#used + dataOutLength > this.#limit) return false;
    if (this.#share.hasRoom(dataOutLength)) return true;
    this.#share.wait();
    return false;
  }

  #take(task: T): void {
    task.granted = true;
    this.#used += task.dataOutLength;
  }
}
