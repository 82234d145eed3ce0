import { copyBytes } from '../bytes/copy.ts';
import { sendR2T } from './r2t.ts';
import type { TargetTask } from './target-task.ts';
import { PHASE, type TaskState } from './task-state.ts';
import { WriteBudget } from './write-budget.ts';
import type { WriteBuffers } from './write-buffers.ts';

/** Gets the data of the commands of one connection: makes room for it and asks for it by R2T. */
export class DataCollector {
  readonly #buffers: WriteBuffers;
  readonly #budget: WriteBudget<TargetTask>;

  /** @param limit Bytes that may be asked for at a time. */
  constructor(buffers: WriteBuffers, limit: number) {
    this.#buffers = buffers;
    this.#budget = new WriteBudget(limit, (task) => this.collect(task));
  }

  /** Goes on with a task that takes data: asks for more of it, or runs the task when all is here. */
  collect(task: TargetTask): void {
    task.phase = PHASE.COLLECTING;
    if (task.unsolicitedOpen) return;
    if (task.failure === 0 && task.nextOffset < task.dataOutLength) {
      if (task.granted || this.#budget.request(task)) this.#askForData(task);
      return;
    }
    // Nobody is answered, not even with an error, before the data that was asked for has come (RFC 7143 §11.4.2).
    if (task.sequences.length === 0) task.ready();
  }

  /** Makes room for the first `capacity` bytes of a task's data; what is in its buffer already stays. */
  reserve(task: TaskState, capacity: number): void {
    if (capacity <= task.capacity) return;
    const larger = this.#buffers.take(capacity);
    if (task.capacity > 0) {
      copyBytes(task.buffer, 0, task.capacity, larger, 0);
      this.#buffers.give(task.buffer);
    }
    task.buffer = larger;
    task.capacity = capacity;
  }

  /** The task asks for nothing more: others may. */
  release(task: TargetTask): void {
    this.#budget.withdraw(task);
    this.#budget.release(task);
  }

  #askForData(task: TargetTask): void {
    const { maxOutstandingR2T, maxBurstLength } = task.parameters;
    this.reserve(task, task.dataOutLength);
    while (task.sequences.length < maxOutstandingR2T && task.nextOffset < task.dataOutLength) {
      const length = Math.min(maxBurstLength, task.dataOutLength - task.nextOffset);
      const targetTransferTag = task.sender.nextTransferTag();
      task.sequences.push({ targetTransferTag, end: task.nextOffset + length, next: task.nextOffset, dataSN: 0 });
      sendR2T(task, targetTransferTag, task.nextOffset, length);
      task.nextOffset += length;
    }
  }
}
