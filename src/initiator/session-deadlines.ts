import type { IscsiError } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import type { InitiatorTask } from './initiator-task.ts';
import { timedOut } from './session-errors.ts';
import type { TagTable } from './tag-table.ts';

/** What looking after deadlines needs of the session. */
export interface DeadlineOwner {
  /** Gives up a task, see `InitiatorSession.abort`. */
  abort(task: InitiatorTask, tag: number, reason: IscsiError): void;
  /** Whether an exchange may go on: see `Exchanges.inTime`. */
  inTime(exchange: Exchange, now: number): boolean;
}

/** How long before a task's deadline its abort begins at the most, in milliseconds. */
const ABORT_GRACE = 2000;
/** A look that comes later than this, in milliseconds, means that nothing was read meanwhile either. */
const STANDSTILL = 500;

/**
 * When a session has to look at what waits, and what it then does. One number for all: only a nearer deadline moves it.
 */
export class SessionDeadlines {
  #next = Number.POSITIVE_INFINITY;

  /** Milliseconds at which `look` has something to do, or Infinity. */
  get next(): number {
    return this.#next;
  }

  /** Notes a moment at which `look` has something to do. */
  expect(deadline: number): void {
    if (deadline < this.#next) this.#next = deadline;
  }

  /** Expects nothing any more. */
  clear(): void {
    this.#next = Number.POSITIVE_INFINITY;
  }

  /**
   * Gives a task that is submitted at `now` its deadline: the abort begins early enough for the target to answer it in
   * time. Hot path.
   */
  begin(task: InitiatorTask, now: number): void {
    task.deadline = now + task.timeout;
    task.abortAt = task.deadline - Math.min(task.timeout / 4, ABORT_GRACE);
    this.expect(task.abortAt);
  }

  /**
   * Begins the aborts that are due.
   * @returns True when an abort, or another request, was not answered in time: the target is not to be reckoned with
   *   any more.
   */
  look(now: number, entries: TagTable<InitiatorTask | Exchange>, owner: DeadlineOwner): boolean {
    if (now < this.#next) return false;
    // When the whole process stood still, the answers may be in the socket, unread: no reason to drop the session.
    const stoodStill = now - this.#next > STANDSTILL;
    this.clear();
    let overdue = false;
    entries.forEach((entry) => {
      const { kind, phase } = entry;
      if (kind === 'scsi' && (phase === 'sent' || phase === 'queued')) this.#abortIfDue(entry, now, owner);
      else if (stoodStill) this.#grantMore(entry, now);
      else if (entry.deadline > now) this.expect(entry.deadline);
      else if (kind === 'scsi' || !owner.inTime(entry, now)) overdue = true;
    });
    return overdue;
  }

  #abortIfDue(task: InitiatorTask, now: number, owner: DeadlineOwner): void {
    if (now < task.abortAt) {
      this.expect(task.abortAt);
      return;
    }
    if (task.deadline <= now) task.deadline = now + ABORT_GRACE;
    owner.abort(task, task.initiatorTaskTag, timedOut(`No answer within ${task.timeout} ms`));
  }

  #grantMore(entry: { deadline: number }, now: number): void {
    entry.deadline = Math.max(entry.deadline, now + ABORT_GRACE);
    this.expect(entry.deadline);
  }
}
