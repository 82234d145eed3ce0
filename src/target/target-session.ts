import type { DeviceTask, Nexus, ScsiDevice } from '../device/task.ts';
import type { TaskSet } from '../device/task-set.ts';
import type { ChapAccount } from '../login/chap-target.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { Arrivals } from './arrivals.ts';
import type { CommandWindow } from './command-window.ts';
import { RunQueue } from './run-queue.ts';
import type { TargetEntry } from './target-entry.ts';
import { TargetTask, type TaskConnection, type TaskSession } from './target-task.ts';
import { PHASE } from './task-state.ts';
import { TaskTable } from './task-table.ts';
import { weightOfTask } from './weights.ts';

/** The longest answer that is no blocks: lists and pages. */
const LIST_LENGTH = 128 * 1024;
/** Tasks that a session keeps for later commands. */
const KEPT_TASKS = 256;

/** Who is at the other end of a session. */
export interface SessionIdentity {
  /** Initiator port and target port: at most one session has it (RFC 7143 §6.3.1). */
  readonly key: string;
  readonly initiatorName: string;
  readonly initiatorAlias: string | undefined;
  /** Who it has proven to be with CHAP; undefined where it had to prove nothing. */
  readonly account?: ChapAccount | undefined;
  /** The ISID as twelve hex digits. */
  readonly isid: string;
  /** Never 0. */
  readonly tsih: number;
  readonly discovery: boolean;
}

/** What a session is made of. */
export interface SessionOptions {
  readonly identity: SessionIdentity;
  /** The target; undefined in an unnamed discovery session. */
  readonly entry: TargetEntry | undefined;
  /** The logical units that it may use. Default: all of the target. */
  readonly device?: ScsiDevice | undefined;
  readonly parameters: OperationalParameters;
  readonly window: CommandWindow;
  /** Called once, when the session is over. */
  readonly onClosed: (session: TargetSession) => void;
}

/** What a session needs of its connections. */
export interface SessionConnection {
  /** Takes nothing more, and closes when what is left was sent. */
  finish(): void;
}

/**
 * One session in full feature phase: the command window, the outstanding tasks, and the order in which they run.
 * Its connections carry the PDUs; at present there is one (MaxConnections=1).
 */
export class TargetSession implements TaskSession {
  readonly identity: SessionIdentity;
  readonly entry: TargetEntry | undefined;
  /** The device server. Only sessions with SCSI commands have one. */
  readonly device: ScsiDevice | undefined;
  readonly parameters: OperationalParameters;
  readonly window: CommandWindow;
  readonly nexus: Nexus;
  readonly tasks = new TaskTable<TargetTask>();
  /** Immediate SCSI commands that are outstanding. */
  immediateTasks = 0;
  /** Tags of task management functions that wait for something. */
  readonly pendingFunctions = new Set<number>();
  /** True when the session is over: whatever its tasks still answer is dropped. */
  closed = false;

  readonly #connections = new Set<SessionConnection>();
  readonly #onClosed: (session: TargetSession) => void;
  readonly #pool: TargetTask[] = [];
  readonly #arrivals = new Arrivals();
  readonly #queue = new RunQueue({
    execute: (task) => this.#execute(task),
    workLength: (task) => this.#workLength(task),
  });
  readonly #run = (task: TargetTask): void => this.#queue.run(task);

  constructor({ identity, entry, device, parameters, window, onClosed }: SessionOptions) {
    this.identity = identity;
    this.entry = entry;
    this.device = identity.discovery ? undefined : (device ?? entry?.device);
    this.parameters = parameters;
    this.window = window;
    this.#onClosed = onClosed;
    this.nexus = {
      initiatorPortName: initiatorPortName(identity),
      tasksIn: (taskSet) => this.#tasksIn(taskSet),
    };
    this.device?.nexusStarted(this.nexus);
  }

  /** A connection has logged in to the session. */
  join(connection: SessionConnection): void {
    this.#connections.add(connection);
  }

  /** An object for a command that comes on `connection`. */
  takeTask(connection: TaskConnection): TargetTask {
    const task = this.#pool.pop();
    if (task === undefined) return new TargetTask(this, connection);
    task.connection = connection;
    task.sender = connection.sender;
    return task;
  }

  /** Takes back an object that no table, queue or device server knows any more. */
  releaseTask(task: TargetTask): void {
    if (task.dataOutLength > 0) task.connection.releaseRoom(task);
    if (task.workLength > 0 && !task.leftBehind) task.sender.work(-task.workLength); // else when the device lets it go
    task.reset();
    if (!task.leftBehind && this.#pool.length < KEPT_TASKS) this.#pool.push(task);
  }

  /**
   * The turn of a task has come: binds it to the logical unit that its LUN names now, whatever will stand behind it
   * when its data is here. Hot path.
   */
  arrive(task: TargetTask): void {
    const taskSet = this.device?.taskSetOf(task.lunHigh, task.lunLow);
    task.taskSet = taskSet;
    if (taskSet !== undefined) this.#arrivals.arrive(task, taskSet);
  }

  /** See {@link Arrivals}. Where there is no logical unit, a task is refused in any order. Hot path. */
  enter(task: TargetTask): void {
    const { taskSet } = task;
    if (taskSet === undefined) this.run(task);
    else this.#arrivals.enter(task, taskSet, this.#run);
  }

  run(task: TargetTask): void {
    this.#queue.run(task);
  }

  /** Called now and then: when there is nothing to do, what was kept for later commands goes. */
  rest(): void {
    if (this.tasks.size === 0) this.#pool.length = 0;
  }

  leaveOrder(task: TargetTask): void {
    this.#arrivals.leave(task);
  }

  withdraw(task: TargetTask): void {
    this.#queue.withdraw(task);
  }

  /** Less waits to be sent than before: runs what had to wait for that. */
  runWaiting(): void {
    this.#queue.runWaiting();
  }

  /**
   * The device server is about to answer. False when the answer must be dropped, because the task was aborted: it is
   * gone then. The window opens before the answer is written, so that the answer says so.
   */
  answering(task: TargetTask): boolean {
    if (task.phase !== PHASE.EXECUTING) return false;
    if (task.aborted || this.closed) {
      this.forget(task);
      return false;
    }
    this.#complete(task);
    return true;
  }

  ended(task: TargetTask): void {
    const { sender } = task;
    const made = task.workLength > 0;
    this.tasks.remove(task);
    this.#arrivals.leave(task);
    this.releaseTask(task);
    if (made) this.#queue.runWaiting();
    sender.wake();
  }

  /**
   * Ends a task without an answer, and tells those who wait for that. The device server must not have it, or have
   * answered.
   */
  forget(task: TargetTask): void {
    const { watchers, sender } = task;
    const held = task.phase === PHASE.HELD;
    task.phase = PHASE.IDLE;
    this.tasks.remove(task);
    if (!this.closed) {
      if (held) this.window.plug(task.cmdSN);
      else this.#complete(task);
      sender.windowMoved = true; // no answer will say so
    }
    this.#queue.withdraw(task); // before others get their turn: this one must not run any more
    this.#arrivals.leave(task);
    for (const watcher of watchers) watcher.taskGone(task);
    const made = task.workLength > 0;
    this.releaseTask(task);
    if (made) this.#queue.runWaiting();
    sender.wake();
  }

  /** Ends the session: its tasks die without an answer (RFC 7143 §6.3.5.1), its connections close. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.window.clear();
    this.#queue.clear();
    const tasks = this.tasks.all();
    for (const task of tasks) task.aborted = true; // all of them first: one that goes must not let the next one run
    for (const task of tasks) {
      if (task.phase === PHASE.EXECUTING) task.letGo();
      else this.forget(task);
    }
    for (const connection of [...this.#connections]) connection.finish();
    this.#connections.clear();
    this.device?.nexusEnded(this.nexus);
    this.#onClosed(this);
  }

  #execute(task: TargetTask): void {
    task.phase = PHASE.EXECUTING;
    task.sender.slice.weigh(weightOfTask(task));
    task.dataOut =
      task.dataOutLength === task.buffer.length ? task.buffer : task.buffer.subarray(0, task.dataOutLength);
    try {
      this.device?.execute(task.lunHigh, task.lunLow, task);
    } catch {
      // A fault of the device server or its store; the initiator must not wait for an answer that will not come.
      task.targetFailure();
    }
    if (task.phase === PHASE.EXECUTING) this.#countWork(task);
  }

  /** The device server goes on with it after this call, and takes room for it. */
  #countWork(task: TargetTask): void {
    task.workLength = this.#workLength(task);
    if (task.workLength > 0) task.sender.work(task.workLength);
  }

  /** What the device server takes, whatever the initiator expects of it. */
  #workLength({ lunHigh, lunLow, cdb, readLength }: TargetTask): number {
    return this.device?.workLength?.(lunHigh, lunLow, cdb) || Math.min(readLength, LIST_LENGTH);
  }

  #complete(task: TargetTask): void {
    if (task.immediate) this.immediateTasks--;
    else this.window.complete();
  }

  /** Commands that still wait for earlier ones of their session are bound to no task set: for them the LUN decides. */
  #tasksIn(taskSet: TaskSet): readonly DeviceTask[] {
    return this.tasks.all().filter(({ phase, taskSet: bound, lunHigh, lunLow }) => {
      return (phase === PHASE.HELD ? this.device?.taskSetOf(lunHigh, lunLow) : bound) === taskSet;
    });
  }
}

/** The SCSI name of an initiator port (RFC 7143 §4.4.2, SPC). */
export function initiatorPortName({ initiatorName, isid }: SessionIdentity): string {
  return `${initiatorName},i,0x${isid}`;
}
