import { IscsiError } from '../errors.ts';
import type { ScsiTask } from '../initiator/scsi-task.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { AbortSignalLike } from '../scsi/task.ts';

/** The error of a call that was aborted by its signal; the signal's reason is its cause. */
export function aborted(reason: unknown): IscsiError {
  return new IscsiError('ISCSI_ABORTED', 'The command was aborted by its signal', { cause: reason });
}

/**
 * Aborts `task` at the target when `signal` says so. The task then settles when the target has confirmed the end of the command.
 * @returns Stops listening. To be called when the task settles.
 */
export function onAbort(core: InitiatorSession, task: ScsiTask, signal: AbortSignalLike): () => void {
  const tag = task.initiatorTaskTag; // the task object is used again; the tag is not
  const listener = (): void => core.abort(task, tag, aborted(signal.reason));
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
