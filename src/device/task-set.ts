import { TASK_ATTRIBUTES } from '../scsi/scsi-task.ts';
import { WaitingList } from './waiting-list.ts';

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
  readonly #waiting = new WaitingList<Ordered>();
  #enabling = false;

  /** Takes a task in. True when it may run at once; otherwise `enable()` will be called. Hot path. */
  enter(task: Ordered): boolean {
    const { attribute } = task;
    if (attribute !== TASK_ATTRIBUTES.headOfQueue) {
      const mustWait = attribute === TASK_ATTRIBUTES.ordered ? this.#running > 0 : this.#orderedRuns;
      if (mustWait || this.#waiting.size > 0) {
        this.#waiting.add(task);
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
    if (this.#waiting.size > 0) this.#enableNext();
  }

  /** Takes a task out that still waits. */
  withdraw(task: Ordered): void {
    this.#waiting.delete(task);
    this.#enableNext();
  }

  /**
   * A task that ends in the call that enables it comes here again: the loop under way then goes on, instead of one
   * inside the other as deep as the number of those who wait.
   */
  #enableNext(): void {
    if (this.#enabling) return;
    this.#enabling = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        this.#waiting.delete(next);
        this.#running++;
        this.#orderedRuns = next.attribute === TASK_ATTRIBUTES.ordered;
        next.enable();
      }
    } finally {
      this.#enabling = false;
    }
  }

  /** Who waits and may run now. */
  #next(): Ordered | undefined {
    const { first } = this.#waiting;
    if (first === undefined || this.#orderedRuns) return undefined;
    return first.attribute === TASK_ATTRIBUTES.ordered && this.#running > 0 ? undefined : first;
  }
}
