import type { IscsiError } from '../errors.ts';
import type { PduWatcher } from '../pdu/pdu-watcher.ts';
import type { InitiatorTask } from './initiator-task.ts';

/**
 * Whoever watches what a session does. It is asked whether it does before anything is made for it, so both properties
 * must be cheap. What is passed is valid until the call returns; none of the calls may throw.
 */
export interface SessionObserver extends PduWatcher {
  /** Whether the next two are of use. */
  readonly watchesCommands: boolean;
  /** A command was submitted: sent, or put into the queue. */
  commandStarted(task: InitiatorTask): void;
  /** A command settles, with a status or because of `error`. */
  commandEnded(task: InitiatorTask, error: IscsiError | undefined): void;
}
