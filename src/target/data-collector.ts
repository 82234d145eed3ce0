import { copyBytes } from '../bytes/copy.ts';
import type { MemoryShare } from './memory-budget.ts';
import { sendR2T } from './r2t.ts';
import type { TargetTask } from './target-task.ts';
import { PHASE, type TaskState } from './task-state.ts';
import { WriteBudget } from './write-budget.ts';
import type { WriteBuffers } from './write-buffers.ts';

const NO_BUFFER = new Uint8Array(0);

/** Gets the data of the commands of one connection: makes room for it and asks for it by R2T. */
export class DataCollector {
  readonly #buffers: WriteBuffers;
  readonly #share: MemoryShare;
  readonly #budget: WriteBudget<TargetTask>;

  /** @param limit Bytes that may be asked for at a time. @param share What the connection takes of `buffers`. */
  constructor(buffers: WriteBuffers, share: MemoryShare, limit: number) {
    this.#buffers = buffers;
    this.#share = share;
    this.#budget = new WriteBudget(limit, share, (task) => this.collect(task));
  }

  /** Goes on with a task that takes data: asks for more of it, or runs the task when all is here. */
  collect(task: TargetTask): void {
    task.phase = PHASE.COLLECTING;
    if (task.unsolicitedOpen) return;
    if (task.failure === 0 && !task.roomless && task.nextOffset < task.dataOutLength) {
      if (task.granted || this.#budget.request(task)) this.#askForData(task);
      return;
    }
    // Nobody is answered, not even with an error, before the data that was asked for has come (RFC 7143 §11.4.2).
    if (task.sequences.length === 0) task.ready();
  }

  /**
   * Makes room for the first `length` bytes of a task's data, which come unasked. Where there is none, what comes is
   * dropped, and the task ends with BUSY.
   */
  reserveUnsolicited(task: TaskState, length: number): void {
    if (this.#share.hasRoom(length)) this.#reserve(task, length);
    else task.roomless = true;
  }

  /** Asks for what had to wait, as far as there is room by now. */
  resume(): void {
    this.#budget.resume();
  }

  /** The task needs its data no more: its room is for others. */
  release(task: TargetTask): void {
    this.#give(task);
    this.#budget.withdraw(task);
    this.#budget.release(task);
  }

  /** What is in the buffer of the task already stays. */
  #reserve(task: TaskState, capacity: number): void {
    if (capacity <= task.capacity) return;
    const larger = this.#buffers.take(capacity);
    this.#share.add(larger.length);
    if (task.capacity > 0) copyBytes(task.buffer, 0, task.capacity, larger, 0);
    this.#give(task);
    task.buffer = larger;
    task.capacity = capacity;
  }

  #give(task: TaskState): void {
    const { buffer } = task;
    if (buffer.length === 0) return;
    task.buffer = NO_BUFFER;
    task.capacity = 0;
    this.#buffers.give(buffer);
    this.#share.add(-buffer.length);
  }

  #askForData(task: TargetTask): void {
    const { maxOutstandingR2T, maxBurstLength } = task.parameters;
    this.#reserve(task, task.dataOutLength);
    while (task.sequences.length < maxOutstandingR2T && task.nextOffset < task.dataOutLength) {
      const length = Math.min(maxBurstLength, task.dataOutLength - task.nextOffset);
      const targetTransferTag = task.sender.nextTransferTag();
      task.sequences.push({ targetTransferTag, end: task.nextOffset + length, next: task.nextOffset, dataSN: 0 });
      sendR2T(task, targetTransferTag, task.nextOffset, length);
      task.nextOffset += length;
    }
  }
}
