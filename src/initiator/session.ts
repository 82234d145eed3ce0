import { serialLess } from '../bytes/serial.ts';
import { IscsiError } from '../errors.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import { CommandWindow } from './command-window.ts';
import type { InitiatorConnection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { InitiatorTask } from './initiator-task.ts';
import type { TaskManagementFields } from './requests.ts';
import { TaskQueue } from './task-queue.ts';
import { TaskTable } from './task-table.ts';

/** How long before a task's deadline its abort begins at the most, in milliseconds. */
const ABORT_GRACE = 2000;
/** A tick that comes later than this, in milliseconds, means that nothing was read meanwhile either. */
const STANDSTILL = 500;
/** How long the answer to an ABORT TASK asked for by the caller may take, in milliseconds. */
const ABORT_TIMEOUT = 5000;
/** The most commands at once; the rest of the 65536 tags is for aborts, pings and the like. */
const MOST_COMMANDS = 65_000;
const { FUNCTION_COMPLETE, TASK_DOES_NOT_EXIST } = TASK_MANAGEMENT_RESPONSES;

const { ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, TARGET_WARM_RESET, TARGET_COLD_RESET } =
  TASK_MANAGEMENT_FUNCTIONS;
const UNIT_FUNCTIONS: ReadonlySet<number> = new Set([ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]);
const TARGET_RESETS: ReadonlySet<number> = new Set([TARGET_WARM_RESET, TARGET_COLD_RESET]);

/** Where a session is in its life. */
export type SessionPhase = 'login' | 'fullFeature' | 'closing' | 'closed';

/** What a session tells whoever runs it. */
export interface SessionHost {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** There may be something to send, or an earlier deadline, or a changed state. Called often; must be cheap. */
  wake(): void;
  /** The login has ended well. */
  loggedIn(): void;
  /** The session is over; each waiting task has been settled. `error` is why; a plain `close()` gives none. Called exactly once. */
  closed(error: IscsiError | undefined): void;
  /** The target said something nobody asked for (RFC 7143 §11.9). */
  event(event: SessionEvent): void;
}

/** An Asynchronous Message, decoded. */
export interface SessionEvent {
  readonly asyncEvent: number;
  readonly asyncVCode: number;
  readonly parameters: readonly [number, number, number];
  /** Sense data of a SCSI event. */
  readonly sense: Uint8Array | undefined;
}

type Entry = InitiatorTask | Exchange;

/**
 * The initiator's side of one session: command numbering, the tasks and their deadlines. It has one connection today; what belongs to a
 * connection (digests, StatSN, segment lengths) lives in {@link InitiatorConnection}, so that there can be more.
 *
 * Each task settles exactly once, within its timeout: aborting begins early enough for the target's answer, and a target that does not
 * answer the abort loses the connection (RFC 7143 §7.11).
 */
export class InitiatorSession {
  readonly window: CommandWindow;
  readonly tasks = new TaskTable<Entry>();
  readonly host: SessionHost;
  phase: SessionPhase = 'login';
  /** Set once the login has ended. */
  parameters: OperationalParameters | undefined = undefined;

  readonly #queue = new TaskQueue();
  readonly #spare: InitiatorTask[] = [];
  readonly #aborts: InitiatorTask[] = [];
  readonly #flushing: InitiatorTask[] = [];
  #abortRunning = false;
  #endedBy: IscsiError | undefined;
  #connection: InitiatorConnection | undefined;
  #nextDeadline = Number.POSITIVE_INFINITY;
  #onIdle: (() => void) | undefined;
  #idleBy = Number.POSITIVE_INFINITY;

  constructor(host: SessionHost, firstCmdSN: number) {
    this.host = host;
    this.window = new CommandWindow(firstCmdSN);
  }

  /** @internal The connection joins its session. */
  attach(connection: InitiatorConnection): void {
    this.#connection = connection;
  }

  /** Milliseconds at which `tick` has something to do, or Infinity. */
  get nextDeadline(): number {
    return this.#nextDeadline;
  }

  /** A task to fill in and submit. It must be submitted, or is lost to the pool, which does no harm. */
  newTask(): InitiatorTask {
    return this.#spare.pop() ?? new InitiatorTask();
  }

  /** Sends a command as soon as the window allows. A session that cannot take it settles it before this returns. */
  submit(task: InitiatorTask): void {
    if (this.phase !== 'fullFeature' || this.tasks.size >= MOST_COMMANDS) {
      this.#end(task, this.#cannotTake());
      return;
    }
    this.tasks.add(task);
    task.phase = 'queued';
    if (task.timeout !== Number.POSITIVE_INFINITY) {
      task.deadline = this.host.now() + task.timeout;
      task.abortAt = task.deadline - Math.min(task.timeout / 4, ABORT_GRACE);
      this.expect(task.abortAt);
    }
    if (this.#queue.empty && this.window.open) this.#send(task);
    else this.#queue.push(task);
    this.host.wake();
  }

  /** Sends what waits, as far as the window reaches. */
  pump(): void {
    while (!this.#queue.empty && this.window.open && this.phase !== 'closed') {
      const task = this.#queue.shift();
      if (task !== undefined) this.#send(task);
    }
  }

  /**
   * Gives up a task: `reason` is what it settles with once the target has confirmed that it does nothing more. When the answer to the command
   * comes first, that answer counts. `tag` guards against a task object that has been used again.
   */
  abort(task: InitiatorTask, tag: number, reason: IscsiError): void {
    if (task.initiatorTaskTag !== tag) return;
    if (task.phase === 'queued') {
      this.#queue.remove(task);
      this.settle(task, reason);
      return;
    }
    if (task.phase !== 'sent') return;
    task.phase = 'aborting';
    task.abortReason = reason;
    this.expect(task.deadline);
    this.#aborts.push(task);
    this.#nextAbort();
    this.host.wake();
  }

  /**
   * Ends a task with its outcome, or with `error`: at once, or when the socket has taken the last of its data. A target may answer before that, and
   * what the caller then puts into its buffer must not go out.
   */
  settle(task: InitiatorTask, error: IscsiError | undefined): void {
    if (this.phase !== 'closed' && this.#connection?.stillSends(task) === true) {
      if (task.phase === 'flushing') return;
      task.phase = 'flushing';
      task.outcome = error;
      this.#flushing.push(task);
      this.expect(task.deadline);
      return;
    }
    this.tasks.remove(task);
    this.#end(task, error);
    if (this.tasks.size === 0) this.#onIdle?.();
  }

  /** The socket has taken some of what was to be sent. */
  flushed(): void {
    if (this.#flushing.length === 0) return;
    const waiting = this.#flushing.splice(0);
    for (const task of waiting) {
      if (this.#connection?.stillSends(task) === true) this.#flushing.push(task);
      else this.settle(task, task.outcome);
    }
  }

  /** Ends an exchange. */
  settleExchange(
    exchange: Exchange,
    error: IscsiError | undefined,
    answer: Parameters<Exchange['settle']>[1] = {},
  ): void {
    this.tasks.remove(exchange);
    exchange.settle(error, answer);
    if (this.tasks.size === 0) this.#onIdle?.();
  }

  /** Notes a moment at which `tick` has to look. */
  expect(deadline: number): void {
    if (deadline < this.#nextDeadline) this.#nextDeadline = deadline;
  }

  /** Takes no new commands, and calls `then` when the last of those under way has settled, or at `latest`. */
  drainThen(then: () => void, latest: number): void {
    if (this.phase === 'fullFeature') this.phase = 'closing';
    if (this.tasks.size === 0) then();
    else {
      this.#idleBy = latest;
      this.expect(latest);
      this.#onIdle = () => {
        this.#onIdle = undefined;
        then();
      };
    }
  }

  /**
   * Ends the commands that a task management function has ended, now that the target says so: no response of theirs can come any more
   * (RFC 7143 §4.2.3.3). Those are the ones sent before it, to its logical unit or, for a reset of the target, to all.
   */
  conclude(request: TaskManagementFields, cmdSN: number): void {
    const { functionCode, lunHigh, lunLow } = request;
    const everywhere = TARGET_RESETS.has(functionCode);
    if (!everywhere && !UNIT_FUNCTIONS.has(functionCode)) return;
    this.tasks.forEach((entry) => {
      if (
        entry.kind !== 'scsi' ||
        entry.phase === 'queued' ||
        entry.phase === 'flushing' ||
        !serialLess(entry.cmdSN, cmdSN)
      )
        return;
      if (!everywhere && (entry.lunHigh !== lunHigh || entry.lunLow !== lunLow)) return;
      this.settle(
        entry,
        entry.abortReason ?? new IscsiError('ISCSI_ABORTED', 'A task management function ended the command'),
      );
    });
  }

  /** Ends the session: everything that waits settles with `error`, or with `ISCSI_CLOSED` when there is none. */
  close(error: IscsiError | undefined): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.#endedBy = error;
    this.#onIdle = undefined;
    this.#aborts.length = 0;
    this.#flushing.length = 0;
    this.#nextDeadline = Number.POSITIVE_INFINITY;
    const why = error ?? new IscsiError('ISCSI_CLOSED', 'Cannot finish the command: the session was closed');
    this.tasks.forEach((entry) => {
      if (entry.kind === 'scsi' && entry.phase === 'flushing') this.settle(entry, entry.outcome);
      else if (entry.kind === 'scsi') this.settle(entry, entry.abortReason ?? why);
      else this.settleExchange(entry, why);
    });
    this.host.closed(error);
    this.host.wake();
  }

  /** Begins aborts that are due and drops the connection where an abort, or another request, was not answered in time. */
  tick(now: number): void {
    if (now < this.#nextDeadline) return;
    // When the whole process stood still, the answers may be in the socket, unread: no reason to drop the session.
    const stoodStill = now - this.#nextDeadline > STANDSTILL;
    this.#nextDeadline = Number.POSITIVE_INFINITY;
    let overdue = false;
    this.tasks.forEach((entry) => {
      if (entry.kind === 'scsi' && (entry.phase === 'sent' || entry.phase === 'queued')) this.#abortIfDue(entry, now);
      else if (entry.deadline <= now && !stoodStill) overdue = true;
      else {
        if (stoodStill) entry.deadline = Math.max(entry.deadline, now + ABORT_GRACE);
        this.expect(entry.deadline);
      }
    });
    if (this.#onIdle !== undefined) {
      if (now >= this.#idleBy) this.#onIdle();
      else this.expect(this.#idleBy);
    }
    if (overdue) this.#connection?.fail(timedOut('The target stopped answering'));
  }

  #abortIfDue(task: InitiatorTask, now: number): void {
    if (now < task.abortAt) {
      this.expect(task.abortAt);
      return;
    }
    if (task.deadline <= now) task.deadline = now + ABORT_GRACE;
    this.abort(task, task.initiatorTaskTag, timedOut(`No answer within ${task.timeout} ms`));
  }

  #send(task: InitiatorTask): void {
    task.phase = 'sent';
    task.cmdSN = this.window.take();
    this.#connection?.sendCommand(task);
  }

  /** One ABORT TASK at a time: a target need not take more immediate requests than that (RFC 7143 §4.2.2.1). */
  #nextAbort(): void {
    while (!this.#abortRunning && this.#connection?.loggingOut === false) {
      const task = this.#aborts.shift();
      if (task === undefined) return;
      if (task.phase !== 'aborting') continue; // its answer came meanwhile
      const tag = task.initiatorTaskTag;
      this.#abortRunning = true;
      task.deadline = Math.min(task.deadline, this.host.now() + ABORT_TIMEOUT); // counts from when it is its turn
      this.#connection.sendTaskManagement(
        {
          functionCode: TASK_MANAGEMENT_FUNCTIONS.ABORT_TASK,
          lunHigh: task.lunHigh,
          lunLow: task.lunLow,
          referencedTaskTag: tag,
          refCmdSN: task.cmdSN,
        },
        task.deadline,
        (error, answer) => this.#aborted(task, tag, error, answer.response),
      );
    }
  }

  #aborted(task: InitiatorTask, tag: number, error: IscsiError | undefined, response: number | undefined): void {
    this.#abortRunning = false;
    if (this.phase === 'closed') return;
    const gone = error === undefined && (response === FUNCTION_COMPLETE || response === TASK_DOES_NOT_EXIST);
    if (!gone) {
      // The command may still run. Only the end of the session makes sure that it does not (RFC 7143 §7.11).
      this.#connection?.fail(
        new IscsiError(
          'ISCSI_CONNECTION_LOST',
          `Cannot abort a command: the target refused with response ${response ?? 'Reject'}`,
        ),
      );
      return;
    }
    if (task.initiatorTaskTag === tag && task.phase === 'aborting') this.settle(task, task.abortReason);
    this.#nextAbort();
  }

  #end(task: InitiatorTask, error: IscsiError | undefined): void {
    task.phase = 'settled';
    const { settle } = task;
    settle(task, error);
    task.reset();
    this.#spare.push(task);
  }

  #cannotTake(): IscsiError {
    if (this.phase === 'login')
      return new IscsiError('ISCSI_USAGE', 'Cannot send a command before the login has ended');
    if (this.phase === 'fullFeature')
      return new IscsiError('ISCSI_USAGE', `Cannot queue another command: ${MOST_COMMANDS} are waiting already`);
    const ended = this.#endedBy;
    if (ended === undefined) return new IscsiError('ISCSI_CLOSED', 'Cannot send a command: the session is closed');
    // Whoever comes late learns what happened; the code still says that this command was not sent.
    const hint = ended.hint === undefined ? {} : { hint: ended.hint };
    return new IscsiError('ISCSI_CLOSED', `Cannot send a command: the session is over (${ended.message})`, {
      cause: ended,
      ...hint,
    });
  }
}

function timedOut(message: string): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', message, {
    hint: 'is the target overloaded, or gone? A longer timeout can be set',
  });
}
