import { copyBytes } from '../bytes/copy.ts';
import type { TaskState } from './task-state.ts';

/**
 * Puts the data of one PDU where it belongs in its task's buffer. What lies beyond that buffer, or has no aim, is
 * dropped.
 */
export class DataSink {
  #task: TaskState | undefined = undefined;
  #at = 0;

  /** Aims at byte `at` of what `task` writes. */
  aim(task: TaskState, at: number): void {
    this.#task = task;
    this.#at = at;
  }

  /** The data of this PDU is of no interest. */
  drop(): void {
    this.#task = undefined;
  }

  /** A piece of the data: `bytes[from, to)`. */
  take(bytes: Uint8Array, from: number, to: number): void {
    const task = this.#task;
    if (task === undefined) return;
    const end = Math.min(to, from + Math.max(0, task.capacity - this.#at));
    if (end > from) copyBytes(bytes, from, end, task.buffer, this.#at);
    this.#at += to - from;
  }
}
