import type { AbortWatcher, DeviceTask, Nexus } from '../device/task.ts';
import { Countdown } from './countdown.ts';
import type { TargetTask } from './target-task.ts';

/** What comes of an abort. */
export interface AbortOutcome {
  /** All tasks are gone. */
  done(): void;
  /** The device server does not end a task that changes the medium: nothing can be promised about it. */
  refused(): void;
}

/** Milliseconds that the device server has to end a task whose late answer could be dropped. */
const HARMLESS_PATIENCE = 500;

/**
 * Ends tasks, and says when the last of them is gone for good: what the device server has is waited for, so that an
 * aborted write has no effect after the abort was answered. When a store takes too long, what only reads is let go; a
 * write is waited for until the patience is over, and then the function is refused: to say that it is complete would be
 * to promise that the write has no effect any more.
 */
export class TaskAbort implements AbortWatcher {
  /** When to call `tick`. */
  readonly patience = new Countdown();
  readonly #waiting = new Set<DeviceTask>();
  readonly #draining: TargetTask[] = [];
  readonly #outcome: AbortOutcome;
  #end = 0;

  /** @param outcome Of which one is called, once; `done` at once when there is nothing to wait for. */
  constructor(outcome: AbortOutcome) {
    this.#outcome = outcome;
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
    if (this.#waiting.size === 0) this.#outcome.done();
  }

  /** Waits until `now` and `milliseconds`, for data and for the device server. */
  waitUntil(now: number, milliseconds: number): void {
    this.#end = now + milliseconds;
    this.patience.start(now + Math.min(milliseconds, HARMLESS_PATIENCE));
  }

  taskGone(task: DeviceTask): void {
    this.#waiting.delete(task);
    if (this.#waiting.size === 0) this.#outcome.done();
  }

  /** The time has come that `patience` tells. */
  tick(now: number): void {
    if (now < this.#end) this.patience.start(this.#end);
    for (const task of [...this.#waiting]) task.letGo();
    if (now < this.#end) return;
    for (const task of this.#draining.splice(0)) if (this.#waiting.has(task)) task.stopDraining();
    if (this.#waiting.size === 0) return;
    for (const task of this.#waiting) task.spare(this);
    this.#waiting.clear();
    this.#outcome.refused();
  }
}
