import type { TargetTask } from './target-task.ts';

/** What a queue asks about a task, and does with it. */
export interface RunQueueOptions {
  readonly execute: (task: TargetTask) => void;
  /** How many bytes it takes while it runs, besides its data-out. */
  readonly workLength: (task: TargetTask) => number;
}

/**
 * The order in which the tasks of a session go to the device server: one after the other, each in the call that makes
 * it ready, unless so much is on its way to the initiator, or time or memory so short, that it has to wait.
 */
export class RunQueue {
  readonly #execute: (task: TargetTask) => void;
  readonly #workLength: (task: TargetTask) => number;
  readonly #waiting: TargetTask[] = [];
  #running = false;

  constructor({ execute, workLength }: RunQueueOptions) {
    this.#execute = execute;
    this.#workLength = workLength;
  }

  /** Runs a task that has all it needs: at once, or when what waits to be sent has become less. Hot path. */
  run(task: TargetTask): void {
    if (this.#running || this.#waiting.length > 0 || !this.#mayRun(task)) {
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
    for (let task = this.#waiting[0]; task !== undefined && this.#mayRun(task); task = this.#waiting[0]) {
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

  /** Hot path: as long as memory is not short, nobody asks how much a task takes. */
  #mayRun(task: TargetTask): boolean {
    const { sender } = task;
    if (sender.congested || sender.slice.isOver) return false;
    return sender.hasAmpleRoom || sender.hasRoom(this.#workLength(task));
  }
}
