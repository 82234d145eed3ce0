import { copyBytes } from '../bytes/copy.ts';
import type { DataSource } from '../bytes/data-source.ts';
import { viewOf } from '../bytes/hex.ts';
import { IscsiError, withCommandSent } from '../errors.ts';
import { encodeLun, formatLun, type Lun } from '../scsi/lun.ts';
import type { Clock, ScsiPort } from '../scsi/port.ts';
import { ScsiTask } from '../scsi/scsi-task.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import type { AbortWatcher, DeviceTask, Nexus, ScsiDevice } from './task.ts';
import type { TaskSet } from './task-set.ts';

/** What a port to a logical unit of this process is made of, besides its device. */
export interface DevicePortOptions {
  /** Default: LUN 0. */
  readonly lun?: Lun | number;
  readonly clock: Clock;
  /** Milliseconds that a command may take unless it is told otherwise. Default 30,000. */
  readonly timeout?: number;
  /** What messages call the device. Default: `this process`. */
  readonly deviceName?: string;
  /**
   * The SCSI name of the initiator port: other than that of every other live nexus of the device. Default: one of its
   * own.
   */
  readonly initiatorPortName?: string;
}

const DEFAULT_TIMEOUT = 30_000;
/** How long before the end of its time a command is aborted at the most, in milliseconds. */
const ABORT_GRACE = 2000;
const CDB_FIELD_LENGTH = 16;

/**
 * The port to a logical unit of a device server in this process: no iSCSI between, no socket. Each port is a nexus of
 * its own.
 *
 * What a RAM store answers at once settles before `submit` returns. A command whose time is over is aborted; the device
 * cannot be hurried, so one that brings data to it settles only when the device has answered: until then its buffer is
 * in use, and what is in it may still be written. All others settle in time whatever the device does, and what it
 * answers later is dropped.
 */
export class DevicePort implements ScsiPort, AsyncDisposable {
  readonly unitName: string;
  readonly deviceName: string;
  readonly timeout: number;
  readonly clock: Clock;
  readonly device: object;
  readonly #device: ScsiDevice;
  readonly #lun: Lun;
  readonly #nexus: Nexus;
  /** All tasks that were ever made: those that run are the nexus's. Cheaper than a set that each enters and leaves. */
  readonly #made: PortTask[] = [];
  readonly #spare: PortTask[] = [];
  /** Commands that have not settled. */
  #underWay = 0;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(device: ScsiDevice, options: DevicePortOptions) {
    const lun = options.lun ?? 0;
    this.device = device;
    this.#device = device;
    this.#lun = typeof lun === 'number' ? encodeLun(lun) : lun;
    this.#nexus = {
      initiatorPortName: options.initiatorPortName ?? portName(),
      tasksIn: (taskSet) =>
        this.#made.map(({ execution }) => execution).filter((one) => one.running && one.taskSet === taskSet),
    };
    this.unitName = `LUN ${formatLun(this.#lun)}`;
    this.deviceName = options.deviceName ?? 'this process';
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT;
    this.clock = options.clock;
    device.nexusStarted(this.#nexus);
  }

  newTask(): PortTask {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const task = new PortTask(this.#nexus, this.#execute, this.#answered);
    this.#made.push(task);
    return task;
  }

  submit(task: PortTask): void {
    this.#underWay++;
    if (this.#closing !== undefined) {
      const closed = 'Cannot send a command: the port is closed';
      this.#settle(task, new IscsiError('ISCSI_CLOSED', closed, { commandSent: false }));
      this.#recycle(task);
      return;
    }
    const { use } = task.execution;
    task.deadline = this.clock.now() + task.timeout;
    this.#run(task);
    // A task object that the device has answered meanwhile may serve another command already.
    if (task.execution.running && task.execution.use === use) this.#watch(task);
  }

  abort(task: PortTask, reason: IscsiError): void {
    const { execution } = task;
    if (!execution.running || execution.aborted) return;
    execution.aborted = true;
    task.abortReason = execution.begun ? reason : withCommandSent(reason, false); // it has seen nothing of it
    execution.endUnlessBegun();
  }

  /** Takes no new commands, waits for those under way and ends the nexus. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#idle().then(() => this.#device.nexusEnded(this.#nexus));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The task joins the others of its logical unit, of whatever nexus, and begins when they let it. */
  #run(task: PortTask): void {
    const { high, low } = this.#lun;
    const { execution } = task;
    let taskSet: TaskSet | undefined;
    execution.running = true; // from here on it ends like any other, also when the device throws at a question
    try {
      execution.limit(this.#device.dataOutLength(high, low, execution.cdbOf(task), execution.cdbLength));
      taskSet = this.#device.taskSetOf(high, low);
    } catch (cause) {
      this.#failed(task, cause);
      return;
    }
    execution.enter(taskSet);
  }

  readonly #execute = (task: PortTask): void => {
    const { high, low } = this.#lun;
    try {
      this.#device.execute(high, low, task.execution);
    } catch (cause) {
      this.#failed(task, cause);
    }
  };

  #failed(task: PortTask, cause: unknown): void {
    const { execution } = task;
    if (!execution.running) throw cause; // of whoever was told of the outcome
    const failure = new IscsiError('ISCSI_TARGET_FAILURE', 'The device failed to carry out the command', { cause });
    execution.leave();
    this.#settle(task, failure);
    this.#recycle(task);
  }

  /**
   * Aborts a command that takes too long, in time for the answer; one that has nothing to lose does not wait for that
   * beyond its time.
   */
  #watch(task: PortTask): void {
    const { timeout } = task;
    if (timeout === Number.POSITIVE_INFINITY) return;
    const grace = Math.min(timeout / 4, ABORT_GRACE);
    const { use } = task.execution;
    task.stopWatching = this.clock.after(timeout - grace, () => {
      this.abort(task, timedOut(timeout));
      // One that still waited for others has settled by that, and the object may serve another command already.
      if (task.execution.use !== use || task.dataOut.length > 0) return;
      task.stopWatching = this.clock.after(grace, () => this.#settle(task, task.abortReason));
    });
  }

  /** The device has ended a task. */
  readonly #answered = (task: PortTask): void => {
    if (!task.settled) this.#settle(task, task.abortReason);
    if (task.execution.leftBehind) this.#made.splice(this.#made.indexOf(task), 1);
    else this.#recycle(task);
  };

  #settle(task: PortTask, error: IscsiError | undefined): void {
    task.stopWatching();
    task.settled = true;
    this.#underWay--;
    const { settle } = task;
    settle(task, error);
    if (this.#underWay === 0) this.#onIdle?.();
  }

  /** Neither caller nor device has the task any more. */
  #recycle(task: PortTask): void {
    task.reset();
    this.#spare.push(task);
  }

  #idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}

/**
 * A command on its way through the port. What the device sees of it is an object of its own: the names of the two
 * halves collide.
 */
class PortTask extends ScsiTask {
  readonly execution: Execution;
  /** What it settles with, once it is being aborted. */
  abortReason: IscsiError | undefined = undefined;
  /** True when its caller was told while the device was still at it: what the device answers then is dropped. */
  settled = false;
  stopWatching: () => void = nothing;

  constructor(nexus: Nexus, execute: (task: PortTask) => void, answered: (task: PortTask) => void) {
    super();
    this.execution = new Execution(this, nexus, execute, answered);
  }

  override reset(): void {
    super.reset();
    this.abortReason = undefined;
    this.settled = false;
    this.stopWatching = nothing;
    this.execution.reset();
  }
}

/** The device's half of a {@link PortTask}. */
class Execution implements DeviceTask {
  readonly nexus: Nexus;
  cdb: DataView;
  cdbLength = CDB_FIELD_LENGTH;
  dataOut: Uint8Array = NOTHING;
  aborted = false;
  /** The task set that it has entered. */
  taskSet: TaskSet | undefined = undefined;
  harmless = false;
  /** Whether the device owes an answer. */
  running = false;
  /** It is over, but the device has not answered: then the object serves no other command. */
  leftBehind = false;
  /** Whether the task set has let it begin. */
  begun = false;
  readonly #watchers: AbortWatcher[] = [];
  /** How often the object was used: tells one command from a later one. */
  use = 0;
  readonly #task: PortTask;
  readonly #execute: (task: PortTask) => void;
  readonly #answered: (task: PortTask) => void;
  #dataOutWanted = 0;
  #dataInWanted = 0;

  constructor(task: PortTask, nexus: Nexus, execute: (task: PortTask) => void, answered: (task: PortTask) => void) {
    this.#task = task;
    this.#execute = execute;
    this.#answered = answered;
    this.nexus = nexus;
    this.cdb = task.cdb;
  }

  get attribute(): number {
    return this.#task.attribute;
  }

  /** Begins when `taskSet` lets it. */
  enter(taskSet: TaskSet | undefined): void {
    this.taskSet = taskSet;
    if (taskSet === undefined || taskSet.enter(this)) this.enable();
  }

  enable(): void {
    this.begun = true;
    this.#execute(this.#task);
  }

  /** Another nexus has ended it. Its caller is told so by the status: of those of this process nothing vanishes. */
  terminate(_issuer: Nexus, watcher: AbortWatcher): boolean {
    this.endUnlessBegun();
    if (!this.running) return true;
    this.#watchers.push(watcher);
    return false;
  }

  letGo(): void {
    if (!this.running || !this.harmless) return;
    this.leftBehind = true;
    this.#end(SCSI_STATUS.TASK_ABORTED);
  }

  /** One that its caller has aborted stays so. */
  spare(watcher: AbortWatcher): void {
    const at = this.#watchers.indexOf(watcher);
    if (at >= 0) this.#watchers.splice(at, 1);
    if (this.#watchers.length === 0) this.aborted = this.#task.abortReason !== undefined;
  }

  /** One that still waits for others does not have to wait for the device. */
  endUnlessBegun(): void {
    if (this.running && !this.begun) this.#end(SCSI_STATUS.TASK_ABORTED);
  }

  /** Leaves the task set that it has entered, and tells who waits for that. */
  leave(): void {
    this.running = false;
    const { taskSet } = this;
    if (this.begun) taskSet?.leave(this);
    else taskSet?.withdraw(this);
    for (const watcher of this.#watchers.splice(0)) watcher.taskGone(this);
  }

  /** Takes over the CDB and gives it. */
  cdbOf({ cdb, longCdb }: ScsiTask): DataView {
    this.cdb = longCdb === undefined ? cdb : viewOf(longCdb);
    this.cdbLength = this.cdb.byteLength;
    return this.cdb;
  }

  /** The device gets at most the `wanted` bytes that it takes. */
  limit(wanted: number): void {
    const { dataOut } = this.#task;
    this.dataOut = dataOut.length <= wanted ? dataOut : dataOut.subarray(0, wanted);
    this.#dataOutWanted = wanted;
  }

  good(): void {
    this.#end(SCSI_STATUS.GOOD);
  }

  dataIn(bytes: Uint8Array, length: number): void {
    if (!this.aborted) copyBytes(bytes, 0, this.#take(length), this.#task.dataIn, 0);
    this.#end(SCSI_STATUS.GOOD);
  }

  dataInFrom(source: DataSource, offset: number, length: number): void {
    if (!this.aborted) {
      const room = Math.min(length, this.#task.dataIn.length);
      source.copyTo(offset, this.#task.dataIn, 0, room); // when it throws, nothing has been received
      this.#take(length);
    }
    this.#end(SCSI_STATUS.GOOD);
  }

  status(code: number): void {
    this.#end(code);
  }

  checkCondition(sense: Uint8Array): void {
    this.#task.sense = sense;
    this.#end(SCSI_STATUS.CHECK_CONDITION);
  }

  reset(): void {
    this.cdb = this.#task.cdb;
    this.cdbLength = CDB_FIELD_LENGTH;
    this.dataOut = NOTHING;
    this.aborted = false;
    this.harmless = false;
    this.running = false;
    this.taskSet = undefined;
    this.begun = false;
    this.use++;
    this.#dataOutWanted = 0;
    this.#dataInWanted = 0;
  }

  /** Counts data of `length` bytes. @returns How much of it there is room for. */
  #take(length: number): number {
    this.#dataInWanted = length;
    this.#task.received = Math.min(length, this.#task.dataIn.length);
    return this.#task.received;
  }

  #end(status: number): void {
    if (!this.running) return;
    this.leave();
    const task = this.#task;
    task.status = status;
    // Of a command that moves data both ways the write's residual is the main one, as in RFC 7143 §11.4.5.
    const writes = task.dataOut.length > 0;
    const expected = writes ? task.dataOut.length : task.dataIn.length;
    const wanted = writes ? this.#dataOutWanted : Math.max(this.#dataInWanted, this.#dataOutWanted);
    task.residual = wanted > expected ? 'overflow' : wanted < expected ? 'underflow' : 'none';
    task.residualCount = Math.abs(wanted - expected);
    this.#answered(task);
  }
}

const NOTHING = new Uint8Array(0);
let ports = 0;

function portName(): string {
  return `iqn.2026-11.dev.tsiscsi:in-process,i,0x${(++ports).toString(16).padStart(12, '0')}`;
}

function timedOut(timeout: number): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', `No answer within ${timeout} ms`, { hint: 'is the storage stuck?' });
}

function nothing(): void {
  // Nothing to stop.
}
