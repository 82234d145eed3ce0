/** What a budget needs to know of a task. */
export interface Budgeted {
  /** Bytes that it needs room for. */
  readonly dataOutLength: number;
  /** Whether they are counted. */
  granted: boolean;
}

/**
 * Bounds the memory for data that a connection has asked its initiator for: R2Ts beyond it wait, oldest command first.
 * Oldest first also keeps commands that wait for each other in a task set from waiting for each other here.
 */
export class WriteBudget<T extends Budgeted> {
  readonly #limit: number;
  readonly #waiting: T[] = [];
  readonly #grant: (task: T) => void;
  #used = 0;

  /** @param grant Called for a task that waited and may go on. */
  constructor(limit: number, grant: (task: T) => void) {
    this.#limit = limit;
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

  /** A single command larger than the limit is let through alone. */
  #hasRoom(task: T): boolean {
    return this.#used === 0 || this.#used + task.dataOutLength <= this.#limit;
  }

  #take(task: T): void {
    task.granted = true;
    this.#used += task.dataOutLength;
  }
}
