import { IscsiError } from '../errors.ts';
import { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import type { Exchanges } from './exchanges.ts';
import type { InitiatorTask } from './initiator-task.ts';
import { sendTaskManagement } from './requests.ts';

/** What aborting needs of its session. */
export interface AbortOwner {
  /** The CmdSN that comes next. */
  readonly nextCmdSN: number;
  /** Why no request can be sent now, if there is a reason. */
  refusal(): IscsiError | undefined;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Notes a moment at which the session has to look. */
  expect(deadline: number): void;
  /** Ends a task with `error`. */
  settle(task: InitiatorTask, error: IscsiError | undefined): void;
  /** Ends the session. */
  fail(error: IscsiError): void;
}

/** How long the answer to an ABORT TASK asked for by the caller may take, in milliseconds. */
const ABORT_TIMEOUT = 5000;
const { FUNCTION_COMPLETE, TASK_DOES_NOT_EXIST } = TASK_MANAGEMENT_RESPONSES;

/**
 * Gives up commands that were sent: by ABORT TASK, and when that does not help, with the whole session (RFC 7143
 * §7.11).
 */
export class TaskAborts {
  readonly #owner: AbortOwner;
  readonly #exchanges: Exchanges;

  constructor(owner: AbortOwner, exchanges: Exchanges) {
    this.#owner = owner;
    this.#exchanges = exchanges;
  }

  /**
   * Asks the target to end a task that was sent. It settles with `reason` when the target has confirmed that it does
   * nothing more.
   */
  start(task: InitiatorTask, reason: IscsiError): void {
    task.phase = 'aborting';
    task.abortReason = reason;
    this.#owner.expect(task.deadline);
    if (this.#owner.refusal() !== undefined) return; // logging out: the task ends with the session
    const tag = task.initiatorTaskTag; // the object is used again; the tag is not
    const isStill = (): boolean => task.initiatorTaskTag === tag && task.phase === 'aborting';
    this.#exchanges.open({
      kind: 'taskManagement',
      deadline: Number.POSITIVE_INFINITY, // while it waits for its turn, the task's own deadline counts
      isWanted: isStill, // its answer may come meanwhile
      send: (connection, exchange) => {
        task.deadline = Math.min(task.deadline, this.#owner.now() + ABORT_TIMEOUT); // counts from when it is its turn
        exchange.deadline = task.deadline;
        this.#owner.expect(task.deadline);
        sendTaskManagement(connection, this.#owner.nextCmdSN, exchange, {
          functionCode: TASK_MANAGEMENT_FUNCTIONS.ABORT_TASK,
          lunHigh: task.lunHigh,
          lunLow: task.lunLow,
          referencedTaskTag: tag,
          refCmdSN: task.cmdSN,
        });
      },
      settle: (error, { response }) => {
        const gone = error === undefined && (response === FUNCTION_COMPLETE || response === TASK_DOES_NOT_EXIST);
        if (!gone) this.#owner.fail(refused(response));
        else if (isStill()) this.#owner.settle(task, task.abortReason);
      },
    });
  }
}

/** The command may still run. Only the end of the session makes sure that it does not (RFC 7143 §7.11). */
function refused(response: number | undefined): IscsiError {
  return new IscsiError(
    'ISCSI_CONNECTION_LOST',
    `Cannot abort a command: the target refused with response ${response ?? 'Reject'}`,
  );
}
