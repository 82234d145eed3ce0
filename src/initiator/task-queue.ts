import type { InitiatorTask } from './initiator-task.ts';

/** First in, first out: the commands that wait for the window. Taking one out is O(1), withdrawing one O(n). */
export class TaskQueue {
  #tasks: (InitiatorTask | undefined)[] = [];
  #head = 0;

  get empty(): boolean {
    return this.#head === this.#tasks.length;
  }

  push(task: InitiatorTask): void {
    this.#tasks.push(task);
  }

  shift(): InitiatorTask | undefined {
    const task = this.#tasks[this.#head];
    this.#tasks[this.#head] = undefined;
    this.#head++;
    if (this.#head === this.#tasks.length) {
      this.#tasks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#tasks = this.#tasks.slice(this.#head);
      this.#head = 0;
    }
    return task;
  }

  remove(task: InitiatorTask): void {
    const at = this.#tasks.indexOf(task, this.#head);
    if (at >= 0) this.#tasks.splice(at, 1);
    if (this.empty) {
      this.#tasks.length = 0;
      this.#head = 0;
    }
  }
}
