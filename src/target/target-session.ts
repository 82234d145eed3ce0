import type { Nexus, ScsiDevice } from '../device/task.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import type { CommandWindow } from './command-window.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetEntry } from './target-entry.ts';
import { PHASE, TargetTask } from './target-task.ts';
import type { TaskSet } from './task-set.ts';
import { TaskTable } from './task-table.ts';
import { WriteBuffers } from './write-buffers.ts';

/** Bytes of write buffers that a session keeps for later commands. */
const KEPT_WRITE_BUFFERS = 8 * 1024 * 1024;
/** Tasks that a session keeps for later commands. */
const KEPT_TASKS = 256;

/** Who is at the other end of a session. */
export interface SessionIdentity {
  /** Initiator port and target port: at most one session has it (RFC 7143 §6.3.1). */
  readonly key: string;
  readonly initiatorName: string;
  readonly initiatorAlias: string | undefined;
  /** The ISID as twelve hex digits. */
  readonly isid: string;
  /** Never 0. */
  readonly tsih: number;
  readonly discovery: boolean;
}

/**
 * One session in full feature phase: the command window, the outstanding tasks, and the order in which they run.
 * Its connections carry the PDUs; at present there is one (MaxConnections=1).
 */
export class TargetSession {
  readonly identity: SessionIdentity;
  /** The target; undefined in an unnamed discovery session. */
  readonly entry: TargetEntry | undefined;
  readonly window: CommandWindow;
  readonly nexus: Nexus;
  readonly tasks = new TaskTable<TargetTask>();
  readonly buffers = new WriteBuffers(KEPT_WRITE_BUFFERS);
  readonly connections: TargetConnection[] = [];
  parameters: OperationalParameters;
  /** Immediate SCSI commands that are outstanding. */
  immediateTasks = 0;
  /** Tags of task management functions that wait for something. */
  readonly pendingFunctions = new Set<number>();
  /** True when the session is over: whatever its tasks still answer is dropped. */
  closed = false;

  readonly #onClosed: (session: TargetSession) => void;
  readonly #pool: TargetTask[] = [];
  readonly #ready: TargetTask[] = [];
  #running = false;
  #lastLunHigh = -1;
  #lastTaskSet: TaskSet<TargetTask> | undefined = undefined;

  constructor(
    identity: SessionIdentity,
    entry: TargetEntry | undefined,
    parameters: OperationalParameters,
    window: CommandWindow,
    onClosed: (session: TargetSession) => void,
  ) {
    this.identity = identity;
    this.entry = entry;
    this.parameters = parameters;
    this.window = window;
    this.#onClosed = onClosed;
    this.nexus = { initiatorPortName: initiatorPortName(identity) };
    if (entry !== undefined && !identity.discovery) entry.device.nexusStarted(this.nexus);
  }

  /** The device server. Only sessions with SCSI commands have one. */
  get device(): ScsiDevice | undefined {
    return this.identity.discovery ? undefined : this.entry?.device;
  }

  /** An object for a command that comes on `connection`. */
  takeTask(connection: TargetConnection): TargetTask {
    const task = this.#pool.pop();
    if (task === undefined) return new TargetTask(this, connection);
    task.connection = connection;
    return task;
  }

  /** Takes back an object that no table, queue or device server knows any more. */
  releaseTask(task: TargetTask): void {
    task.connection.budget.withdraw(task);
    task.connection.budget.release(task);
    if (task.buffer.length > 0) this.buffers.give(task.buffer);
    task.reset();
    if (this.#pool.length < KEPT_TASKS) this.#pool.push(task);
  }

  /** The task set of a logical unit; undefined where there is no logical unit, whose commands are refused in any order. */
  taskSetOf(lunHigh: number, lunLow: number): TaskSet<TargetTask> | undefined {
    if (lunHigh === this.#lastLunHigh && lunLow === 0) return this.#lastTaskSet;
    const taskSet = this.entry?.taskSetOf(lunHigh, lunLow);
    if (lunLow === 0) {
      this.#lastLunHigh = lunHigh;
      this.#lastTaskSet = taskSet;
    }
    return taskSet;
  }

  /** Runs a task that has all it needs: at once, or when what waits to be sent has become less. Hot path. */
  run(task: TargetTask): void {
    if (this.#running || this.#ready.length > 0 || task.connection.congested) {
      this.#ready.push(task);
      if (!this.#running) this.runReady();
      return;
    }
    this.#running = true;
    this.#execute(task);
    this.#running = false;
    if (this.#ready.length > 0) this.runReady();
  }

  /** Runs what waits for its turn, as long as there is room for what it sends. */
  runReady(): void {
    if (this.#running) return;
    this.#running = true;
    for (let task = this.#ready[0]; task !== undefined && !task.connection.congested; task = this.#ready[0]) {
      this.#ready.shift();
      this.#execute(task);
    }
    this.#running = false;
  }

  /**
   * The device server is about to answer. False when the answer must be dropped, because the task was aborted: it is gone then.
   * The window opens before the answer is written, so that the answer says so.
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

  /** The answer was written: the task is over. */
  ended(task: TargetTask): void {
    const { connection } = task;
    this.tasks.remove(task);
    this.#leave(task);
    this.releaseTask(task);
    connection.wake();
  }

  /** Ends a task without an answer, and tells those who wait for that. The device server must not have it, or have answered. */
  forget(task: TargetTask): void {
    const { watchers, connection } = task;
    task.phase = PHASE.IDLE;
    this.tasks.remove(task);
    if (!this.closed) {
      this.#complete(task);
      connection.windowMoved = true; // no answer will say so
    }
    this.#leave(task);
    for (const watcher of watchers) watcher.taskGone(task);
    this.#dropReady(task);
    this.releaseTask(task);
    connection.wake();
  }

  /** Ends the session: its tasks die without an answer (RFC 7143 §6.3.5.1), its connections close. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.window.clear();
    this.#ready.length = 0;
    const tasks = this.tasks.all();
    for (const task of tasks) task.aborted = true; // all of them first: one that goes must not let the next one run
    for (const task of tasks) if (task.phase !== PHASE.EXECUTING) this.forget(task);
    for (const connection of [...this.connections]) connection.finish();
    this.connections.length = 0;
    this.device?.nexusEnded(this.nexus);
    this.#onClosed(this);
  }

  #execute(task: TargetTask): void {
    task.phase = PHASE.EXECUTING;
    task.dataOut =
      task.dataOutLength === task.buffer.length ? task.buffer : task.buffer.subarray(0, task.dataOutLength);
    try {
      this.device?.execute(task.lunHigh, task.lunLow, task);
    } catch {
      // A fault of the device server or its store; the initiator must not wait for an answer that will not come.
      task.targetFailure();
    }
  }

  #complete(task: TargetTask): void {
    if (task.immediate) this.immediateTasks--;
    else this.window.complete();
  }

  #leave(task: TargetTask): void {
    const { taskSet } = task;
    if (taskSet === undefined) return;
    task.taskSet = undefined;
    if (task.enabled) taskSet.leave(task);
    else taskSet.withdraw(task);
  }

  #dropReady(task: TargetTask): void {
    const at = this.#ready.indexOf(task);
    if (at >= 0) this.#ready.splice(at, 1);
  }
}

/** The SCSI name of an initiator port (RFC 7143 §4.4.2, SPC). */
export function initiatorPortName({ initiatorName, isid }: SessionIdentity): string {
  return `${initiatorName},i,0x${isid}`;
}
