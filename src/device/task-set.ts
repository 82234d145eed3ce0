import { TASK_ATTRIBUTES } from '../scsi/scsi-task.ts';

/** What a task set needs to know of a task. */
export interface Ordered {
  /** One of `TASK_ATTRIBUTES`. Others count as SIMPLE. */
  readonly attribute: number;
  /** The task may run from now on. */
  enable(): void;
}

/**
 * The task set of one logical unit, of all nexuses over whichever target they came (TST 000b): which tasks may run, and
 * which wait for others (SAM, "Task attributes").
 *
 * An ORDERED task waits until everything before it has ended, and everything after it waits for it. HEAD OF QUEUE runs
 * at once. All others run in any order. With SIMPLE tasks only, this is a counter.
 */
export class TaskSet {
  #running = 0;
  #orderedRuns = false;
  readonly #waiting: Ordered[] = [];
  #enabling = false;

  /** Takes a task in. True when it may run at once; otherwise `enable()` will be called. Hot path. */
  enter(task: Ordered): boolean {
    const { attribute } = task;
    if (attribute !== TASK_ATTRIBUTES.headOfQueue) {
      const mustWait = attribute === TASK_ATTRIBUTES.ordered ? this.#running > 0 : this.#orderedRuns;
      if (mustWait || this.#waiting.length > 0) {
        this.#waiting.push(task);
        return false;
      }
      if (attribute === TASK_ATTRIBUTES.ordered) this.#orderedRuns = true;
    }
    this.#running++;
    return true;
  }

  /** Takes a task out that had run, or was allowed to. Hot path. */
  leave(task: Ordered): void {
    this.#running--;
    if (task.attribute === TASK_ATTRIBUTES.ordered) this.#orderedRuns = false;
    if (this.#waiting.length > 0) this.#enableNext();
  }

  /** Takes a task out that still waits. */
  withdraw(task: Ordered): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#enableNext();
  }

  /**
   * A task that ends within `enable()` comes back here: then the round that has enabled it goes on, instead of one
   * within the other, so that a long queue needs no deep stack.
   */
  #enableNext(): void {
    if (this.#enabling) return;
    this.#enabling = true;
    try {
      for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
        const ordered = next.attribute === TASK_ATTRIBUTES.ordered;
        if (this.#orderedRuns || (ordered && this.#running > 0)) return;
        this.#waiting.shift();
        this.#running++;
        this.#orderedRuns = ordered;
        next.enable();
      }
    } finally {
      this.#enabling = false;
    }
  }
}
