import { Countdown } from './countdown.ts';
import { awaitsData } from './data-out.ts';
import { type AbortWatcher, PHASE, type TargetTask } from './target-task.ts';

/**
 * Ends tasks without an answer, and says when the last of them is gone for good: what the device server has is waited for, so that an aborted
 * write has no effect after the abort was answered.
 */
export class TaskAbort implements AbortWatcher {
  /** How long data that was asked for is waited for. */
  readonly patience = new Countdown();
  readonly #waiting = new Set<TargetTask>();
  readonly #done: () => void;

  /** @param done Called once, when all tasks are gone; at once when there is nothing to wait for. */
  constructor(done: () => void) {
    this.#done = done;
  }

  /** Aborts `tasks`. @param drains Which of them first take in the data that was asked for (RFC 7143 §4.2.3.3 a). */
  start(tasks: readonly TargetTask[], drains: (task: TargetTask) => boolean): void {
    for (const task of tasks) task.aborted = true; // all of them first: one that goes must not let the next one run
    for (const task of tasks) {
      if (task.phase === PHASE.COLLECTING && awaitsData(task) && drains(task)) task.phase = PHASE.DRAINING;
      if (task.phase === PHASE.EXECUTING || task.phase === PHASE.DRAINING) {
        task.watchers.push(this);
        this.#waiting.add(task);
      } else {
        drop(task);
      }
    }
    if (this.#waiting.size === 0) this.#done();
  }

  /** {@link AbortWatcher} */
  taskGone(task: TargetTask): void {
    this.#waiting.delete(task);
    if (this.#waiting.size === 0) this.#done();
  }

  /** Waits no longer for data; what the device server has is still waited for. */
  giveUpOnData(): void {
    for (const task of [...this.#waiting]) if (task.phase === PHASE.DRAINING) drop(task);
  }
}

/** Data that still comes for the task is dropped without a word. */
function drop(task: TargetTask): void {
  task.connection.rememberAborted(task.initiatorTaskTag);
  task.session.forget(task);
}
