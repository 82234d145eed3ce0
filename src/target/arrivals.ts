import { TaskSet } from '../device/task-set.ts';
import type { TargetTask } from './target-task.ts';
import { PLACE } from './task-state.ts';

/**
 * The way of a session's tasks into the task sets of their logical units. A task enters when its data is here, so that
 * nobody waits for data that another session owes. Among the tasks of one session the order of their commands holds all
 * the same: what came behind an ORDERED task does not enter before it, nor an ORDERED task before what it came behind.
 * Until they enter, the tasks of each logical unit are therefore kept in a task set of the session's own.
 */
export class Arrivals {
  readonly #orders = new Map<TaskSet, TaskSet>();
  /** How many tasks have arrived and not entered. */
  #size = 0;

  /** A task's turn in the order of commands has come; `taskSet` is the one that it is bound to. Hot path. */
  arrive(task: TargetTask, taskSet: TaskSet): void {
    // With nobody before it and no data to wait for it enters in the same call.
    if (this.#size === 0 && hasAllData(task)) return;
    let order = this.#orders.get(taskSet);
    if (order === undefined) {
      order = new TaskSet();
      this.#orders.set(taskSet, order);
    }
    this.#size++;
    task.place = order.enter(task) ? PLACE.NEXT : PLACE.BEHIND;
  }

  /** Everything is here: the task enters if those before it let it, and runs if the task set lets it. Hot path. */
  enter(task: TargetTask, taskSet: TaskSet, run: (task: TargetTask) => void): void {
    const { place } = task;
    if (place === PLACE.BEHIND) return; // enable() comes here again
    task.place = taskSet.enter(task) ? PLACE.ENABLED : PLACE.ENTERED;
    if (place === PLACE.NEXT) this.#depart(task, taskSet); // those behind it enter, and may even run and end
    if (task.place === PLACE.ENABLED) run(task);
  }

  /** A task is over, or is given up: it leaves wherever it stands. Hot path. */
  leave(task: TargetTask): void {
    const { place, taskSet } = task;
    if (taskSet === undefined) return;
    task.place = PLACE.NONE;
    task.taskSet = undefined;
    switch (place) {
      case PLACE.ENABLED:
        taskSet.leave(task);
        return;
      case PLACE.ENTERED:
        taskSet.withdraw(task);
        return;
      case PLACE.NEXT:
        this.#depart(task, taskSet);
        return;
      case PLACE.BEHIND:
        this.#size--;
        this.#orders.get(taskSet)?.withdraw(task);
    }
  }

  #depart(task: TargetTask, taskSet: TaskSet): void {
    this.#size--;
    this.#orders.get(taskSet)?.leave(task);
  }
}

function hasAllData({ dataOutLength, unsolicitedOpen, nextOffset }: TargetTask): boolean {
  return !unsolicitedOpen && nextOffset >= dataOutLength;
}
