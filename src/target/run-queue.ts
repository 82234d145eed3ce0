import type { TargetTask } from './target-task.ts';

/**
 * The order in which the tasks of a session go to the device server: one after the other, each in the call that makes
 * it ready, unless so much waits to be sent that it has to wait, too.
 */
export class RunQueue {
  readonly #execute: (task: TargetTask) => void;
  readonly #waiting: TargetTask[] = [];
  #running = false;

  constructor(execute: (task: TargetTask) => void) {
    this.#execute = execute;
  }

  /** Runs a task that has all it needs: at once, or when what waits to be sent has become less. Hot path. */
  run(task: TargetTask): void {
    if (this.#running || this.#waiting.length > 0 || task.sender.congested) {
      this.#waiting.push(task);
      if (!this.#running) this.runWaiting();
      return;
    }
    this.#running = true;
    this.#execute(task);
    this.#running = false;
    if (this.#waiting.length > 0) this.runWaiting();
  }

  /** Runs what waits for its turn, as long as there is room for what it sends. */
  runWaiting(): void {
    if (this.#running) return;
    this.#running = true;
    for (let task = this.#waiting[0]; task !== undefined && !task.sender.congested; task = this.#waiting[0]) {
      this.#waiting.shift();
      this.#execute(task);
    }
    this.#running = false;
  }

  /** Takes out a task that is not to run any more. */
  withdraw(task: TargetTask): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  clear(): void {
    this.#waiting.length = 0;
  }
}
