import type { IscsiError } from '../errors.ts';
import type { ScsiTask } from './scsi-task.ts';
import type { WriteLog } from './write-log.ts';

/** How rooms that do no I/O tell time and wait: whoever owns a real clock, or a simulated one, passes it in. */
export interface Clock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /**
   * Calls `then` once, after `milliseconds`.
   * @returns Stops waiting; `then` is not called any more.
   */
  after(milliseconds: number, then: () => void): () => void;
}

/**
 * What carries commands to one logical unit: an iSCSI session, the device server in this process, a local device.
 * Whoever speaks SCSI (`unit/`, the tools, the conformance suite) speaks to a port and knows nothing of what is behind
 * it.
 *
 * A command costs one task, which comes from the port's pool, and nothing else.
 */
export interface ScsiPort {
  /** What messages call the logical unit, such as `LUN 0`. */
  readonly unitName: string;
  /** What messages call the device that it belongs to, such as the name of the iSCSI target. */
  readonly deviceName: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  /** How whoever uses the port tells time and waits. */
  readonly clock: Clock;
  /**
   * Stands for the device that the logical unit belongs to, as it is reached here: the same object at all ports of one
   * session. What is learned at one of them can be about all. A port that stands alone may give itself.
   */
  readonly device: object;
  /**
   * Where whoever sends a write notes it (`ScsiTask.writeOrder`), and whether it was acknowledged. There at ports that
   * come back after a loss.
   */
  readonly writes?: WriteLog | undefined;

  /**
   * A task to fill in and to give to `submit` of the same port. One that is not submitted is lost to the pool, which
   * does no harm.
   */
  newTask(): ScsiTask;

  /**
   * Sends a command. `task.settle` is called exactly once, within `task.timeout`; by then no buffer of the task is in
   * use any more. A port that cannot take the command settles it with an error before this returns. Never throws.
   */
  submit(task: ScsiTask): void;

  /**
   * Gives up a task that was submitted and has not settled. It settles with `reason` once it is certain that the device
   * does nothing more for it; when the answer to the command comes first, that answer counts. Afterwards the task is
   * the port's: this must not be called.
   */
  abort(task: ScsiTask, reason: IscsiError): void;

  /**
   * Takes back the `recallable` commands to any logical unit of `device` that wait and were not sent: each settles with
   * `reason`, which says then that it was not sent, before this returns. Absent where no command ever waits.
   */
  recallUnsent?(reason: IscsiError): void;

  /** A command is about to be sent again: told by whoever does that, for ports that count it. */
  retried?(): void;
}
