/** The seam between a transport and the device server: one SCSI command on its way through a logical unit. */
import type { DataSource } from '../bytes/data-source.ts';
import type { Ordered, TaskSet } from './task-set.ts';

/**
 * One I_T nexus: an initiator port talking to this SCSI target port. The transport makes one per session and reports
 * its end. Logical units hang their unit attentions on it, and ask it for its tasks.
 */
export interface Nexus {
  /**
   * The SCSI name of the initiator port, such as `iqn.2003-01.org.example:host,i,0x800000000001`. Unique among the live
   * nexuses of one target port.
   */
  readonly initiatorPortName: string;
  /**
   * Its tasks that are not over and belong to `taskSet`: those that entered it, and those that will when their turn
   * comes.
   */
  tasksIn(taskSet: TaskSet): readonly DeviceTask[];
}

/** Who wants to know when an aborted task is gone for good. */
export interface AbortWatcher {
  taskGone(task: DeviceTask): void;
}

/**
 * What the device server sees of a command, and how it answers. The transport implements it; nothing is allocated per
 * command but this.
 *
 * On its way a task is bound to the task set of its logical unit when its turn in the transport's order has come
 * ({@link ScsiDevice.taskSetOf}, which the transport keeps in `taskSet`). It enters that set when its data is there,
 * waits for `enable()` if the set says so, is executed, and leaves the very set that it entered.
 *
 * The device server ends each task by exactly one call of `good`, `dataIn`, `dataInFrom`, `status` or `checkCondition`,
 * also when `aborted` has become true meanwhile: the transport then drops the answer, and knows that the command has no
 * further effect.
 */
export interface DeviceTask extends Ordered {
  readonly nexus: Nexus;
  /** The task set that the task is bound to; undefined where its LUN named no logical unit. */
  readonly taskSet: TaskSet | undefined;
  /** The CDB from byte 0; at least 16 bytes, zero-padded. */
  readonly cdb: DataView;
  /** The length of the CDB that arrived: 16, or more with an extended CDB. */
  readonly cdbLength: number;
  /**
   * The data that came with the command: as much as `dataOutLength` asked for, or less when the initiator announced
   * less.
   */
  readonly dataOut: Uint8Array;
  /**
   * True when a task management function has ended this task. Long work should stop early. Whoever carries the function
   * out sets it.
   */
  aborted: boolean;
  /**
   * Set by the device server: true while nothing that it does for the task can be noticed but by the answer, as when
   * it reads, or when a write has not begun. Once such a task is aborted, nobody has to wait for its answer. False at
   * first.
   */
  harmless: boolean;

  /** GOOD without data. */
  good(): void;
  /** GOOD with data: `bytes[0, length)`, which belong to the transport from now on and do not change any more. */
  dataIn(bytes: Uint8Array, length: number): void;
  /**
   * GOOD with `length` bytes that are copied, or borrowed, from `source`, from `offset`, before this call returns. When
   * `source` throws, this call throws the same, and the device server calls `checkCondition`: the transport sends that,
   * or drops it when it has ended the connection because a part of the data was on its way already.
   */
  dataInFrom(source: DataSource, offset: number, length: number): void;
  /** A status without data and sense, such as BUSY or RESERVATION CONFLICT. */
  status(code: number): void;
  /** CHECK CONDITION with sense data. */
  checkCondition(sense: Uint8Array): void;
  /**
   * Ends the task for a function that came from the nexus `issuer`; `aborted` is true already. It leaves its task set.
   * With another nexus than its own, its initiator is answered TASK ABORTED (TAS 1).
   * @returns True when it is gone. Otherwise the device server still has it, and `watcher` is told when it is gone.
   */
  terminate(issuer: Nexus, watcher: AbortWatcher): boolean;
  /** The device server has had time enough to end it: if it is harmless, it goes now; a late answer is dropped. */
  letGo(): void;
  /**
   * The function that was to end it is given up, and `watcher` is not told any more: the task goes on, unless another
   * function ends it.
   */
  spare(watcher: AbortWatcher): void;
}

/** The task management functions that concern a whole logical unit. */
export type UnitFunction = 'abortTaskSet' | 'clearTaskSet' | 'logicalUnitReset';

/**
 * One such function on its way: whoever carries it out terminates the tasks, waits until they are gone, and completes
 * it.
 */
export interface UnitFunctionRun {
  /**
   * The tasks that it ends, of whatever nexus and target. A transport may spare tasks of the issuer that came after the
   * function.
   */
  readonly tasks: readonly DeviceTask[];
  /** All the tasks are gone: resets what is to be reset, and queues the unit attentions that go with it. */
  complete(): void;
}

/** A SCSI target device with its logical units, as a transport sees it. */
export interface ScsiDevice {
  /**
   * How many bytes of data-out the command in `cdb` takes, from its CDB alone; 0 for none and for any command that will
   * be refused. Bounded by the MAXIMUM TRANSFER LENGTH that the logical unit reports, so that no CDB can make a
   * transport allocate without bound.
   */
  dataOutLength(lunHigh: number, lunLow: number, cdb: DataView, cdbLength: number): number;
  /**
   * How many bytes a command takes while it runs, besides its data-out, from its CDB alone: of a read, the blocks. 0
   * for commands that answer with a short list. Bounded as {@link dataOutLength} is. Left out: nothing is known.
   */
  workLength?(lunHigh: number, lunLow: number, cdb: DataView): number;
  /** Whether the LUN field names a logical unit that exists. */
  hasLogicalUnit(lunHigh: number, lunLow: number): boolean;
  /** The task set of the logical unit that the LUN field (SAM encoding) names now; undefined where there is none. */
  taskSetOf(lunHigh: number, lunLow: number): TaskSet | undefined;
  /**
   * Runs a command that its task set has let pass. When the LUN field names no logical unit, or not any more the one
   * whose task set the task has entered, the answer is that of a LUN that does not exist: what was meant for one
   * logical unit never reaches another.
   */
  execute(lunHigh: number, lunLow: number, task: DeviceTask): void;
  /** Begins a task management function that came from `issuer`; undefined when the LUN field names no logical unit. */
  beginFunction(name: UnitFunction, lunHigh: number, lunLow: number, issuer: Nexus): UnitFunctionRun | undefined;
  /** Begins a TARGET RESET that came from `issuer`: it concerns all logical units. */
  beginTargetReset(issuer: Nexus): UnitFunctionRun;
  /** A new nexus: unit attention POWER ON OCCURRED for each logical unit. */
  nexusStarted(nexus: Nexus): void;
  /** The session of the nexus ended. */
  nexusEnded(nexus: Nexus): void;
}
