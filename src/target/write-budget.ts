import type { TargetTask } from './target-task.ts';

/**
 * Bounds the memory for data that a connection has asked its initiator for: R2Ts beyond it wait, oldest command first.
 * Oldest first also keeps commands that wait for each other in a task set from waiting for each other here.
 */
export class WriteBudget {
  readonly #limit: number;
  readonly #waiting: TargetTask[] = [];
  readonly #grant: (task: TargetTask) => void;
  #used = 0;

  /** @param grant Called for a task that waited and may go on. */
  constructor(limit: number, grant: (task: TargetTask) => void) {
    this.#limit = limit;
    this.#grant = grant;
  }

  /** True when the task may ask for its data now. Otherwise `grant` will be called. */
  request(task: TargetTask): boolean {
    if (this.#waiting.length === 0 && this.#hasRoom(task)) {
      this.#take(task);
      return true;
    }
    if (!this.#waiting.includes(task)) this.#waiting.push(task);
    return false;
  }

  /** Gives back what a task was granted. */
  release(task: TargetTask): void {
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
  withdraw(task: TargetTask): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** A single command larger than the limit is let through alone. */
  #hasRoom(task: TargetTask): boolean {
    return this.#used === 0 || this.#used + task.dataOutLength <= this.#limit;
  }

  #take(task: TargetTask): void {
    task.granted = true;
    this.#used += task.dataOutLength;
  }
}
