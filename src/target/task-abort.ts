import type { AbortWatcher, DeviceTask, Nexus } from '../device/task.ts';
import { Countdown } from './countdown.ts';
import type { TargetTask } from './target-task.ts';

/**
 * Ends tasks without an answer, and says when the last of them is gone for good: what the device server has is waited
 * for, so that an aborted write has no effect after the abort was answered.
 */
export class TaskAbort implements AbortWatcher {
  /** How long data that was asked for is waited for. */
  readonly patience = new Countdown();
  readonly #waiting = new Set<DeviceTask>();
  readonly #draining: TargetTask[] = [];
  readonly #done: () => void;

  /** @param done Called once, when all tasks are gone; at once when there is nothing to wait for. */
  constructor(done: () => void) {
    this.#done = done;
  }

  /**
   * Aborts tasks for a function that came from the nexus `issuer`.
   * @param own Those of the same session. @param others Those of other nexuses of the logical unit, whoever carries
   *   them.
   * @param drains Whether the own ones first take in the data that was asked for (RFC 7143 §4.2.3.3 a).
   */
  start(own: readonly TargetTask[], others: readonly DeviceTask[], issuer: Nexus, drains: boolean): void {
    // All of them first: one that goes must not let the next one run.
    for (const task of own) task.aborted = true;
    for (const task of others) task.aborted = true;
    for (const task of own) {
      if (task.abort(this, drains)) continue;
      this.#waiting.add(task);
      this.#draining.push(task);
    }
    for (const task of others) if (!task.terminate(issuer, this)) this.#waiting.add(task);
    if (this.#waiting.size === 0) this.#done();
  }

  taskGone(task: DeviceTask): void {
    this.#waiting.delete(task);
    if (this.#waiting.size === 0) this.#done();
  }

  /** Waits no longer for data; what the device server has is still waited for. */
  giveUpOnData(): void {
    for (const task of this.#draining.splice(0)) if (this.#waiting.has(task)) task.stopDraining();
  }
}
