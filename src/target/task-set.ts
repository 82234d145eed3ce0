/** Task attributes (RFC 7143 §11.3.1, SAM-5). */
export const TASK_ATTRIBUTES = { UNTAGGED: 0, SIMPLE: 1, ORDERED: 2, HEAD_OF_QUEUE: 3, ACA: 4 } as const;

/** What a task set needs to know of a task. */
export interface Ordered {
  /** One of {@link TASK_ATTRIBUTES}. */
  readonly attribute: number;
  /** The task may run from now on. */
  enable(): void;
}

/**
 * The task set of one logical unit, of all initiators (TST 000b): which tasks may run and which wait for others (SAM-5, task attributes).
 *
 * An ORDERED task waits until everything before it has ended, and everything after it waits for it. HEAD OF QUEUE runs at once.
 * All others run in any order. With SIMPLE tasks only, this is a counter.
 */
export class TaskSet<T extends Ordered> {
  #running = 0;
  #orderedRuns = false;
  readonly #waiting: T[] = [];

  /** Takes a task in. True when it may run at once; otherwise `enable()` will be called. */
  enter(task: T): boolean {
    const { attribute } = task;
    if (attribute !== TASK_ATTRIBUTES.HEAD_OF_QUEUE) {
      const mustWait = attribute === TASK_ATTRIBUTES.ORDERED ? this.#running > 0 : this.#orderedRuns;
      if (mustWait || this.#waiting.length > 0) {
        this.#waiting.push(task);
        return false;
      }
      if (attribute === TASK_ATTRIBUTES.ORDERED) this.#orderedRuns = true;
    }
    this.#running++;
    return true;
  }

  /** Takes a task out that had run, or was allowed to. */
  leave(task: T): void {
    this.#running--;
    if (task.attribute === TASK_ATTRIBUTES.ORDERED) this.#orderedRuns = false;
    if (this.#waiting.length > 0) this.#enableNext();
  }

  /** Takes a task out that still waits. */
  withdraw(task: T): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#enableNext();
  }

  #enableNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const ordered = next.attribute === TASK_ATTRIBUTES.ORDERED;
      if (this.#orderedRuns || (ordered && this.#running > 0)) return;
      this.#waiting.shift();
      this.#running++;
      this.#orderedRuns = ordered;
      next.enable();
    }
  }
}
