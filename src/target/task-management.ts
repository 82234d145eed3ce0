import { serialLess } from '../bytes/serial.ts';
import type { DeviceTask, ScsiDevice, UnitFunction, UnitFunctionRun } from '../device/task.ts';
import {
  checkTaskManagementRequest,
  readTaskManagementRequest,
  type TaskManagementRequest,
} from '../pdu/task-management-request.ts';
import { writeTaskManagementResponse } from '../pdu/task-management-response.ts';
import {
  TASK_MANAGEMENT_FUNCTIONS as FUNCTIONS,
  TASK_MANAGEMENT_RESPONSES as RESPONSES,
} from '../spec/iscsi-task-management.ts';
import { POSITION } from './command-window.ts';
import { takeInOrder } from './in-order.ts';
import type { TargetLimits } from './limits.ts';
import { FullFeatureHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask } from './target-task.ts';
import { TaskAbort } from './task-abort.ts';

/** Functions that end many tasks, by their code. */
const UNIT_FUNCTIONS: Partial<Record<number, UnitFunction>> = {
  [FUNCTIONS.ABORT_TASK_SET]: 'abortTaskSet',
  [FUNCTIONS.CLEAR_TASK_SET]: 'clearTaskSet',
  [FUNCTIONS.LOGICAL_UNIT_RESET]: 'logicalUnitReset',
};

/**
 * Task Management Function Request (RFC 7143 §11.5, §4.2.3), TARGET COLD RESET excepted (docs/decisions.md). Which
 * tasks a function of a logical unit ends, the logical unit knows; here is which of them it waits for, when it begins,
 * and how it is answered.
 */
export class TaskManagementHandler extends FullFeatureHandler {
  readonly #session: TargetSession;
  readonly #limits: TargetLimits;
  readonly #now: () => number;
  /** The functions that wait for tasks to be gone. */
  readonly #aborts = new Set<TaskAbort>();

  constructor(sender: Sender, session: TargetSession, limits: TargetLimits, now: () => number) {
    super(sender);
    this.#session = session;
    this.#limits = limits;
    this.#now = now;
  }

  /** When `tick` has something to do, in milliseconds, or Infinity. */
  get deadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const { patience } of this.#aborts) deadline = Math.min(deadline, patience.deadline);
    return deadline;
  }

  tick(now: number): void {
    for (const abort of [...this.#aborts]) if (abort.patience.due(now)) abort.tick(now);
  }

  override begin(view: DataView, at: number): void {
    checkTaskManagementRequest(view, at);
  }

  end(view: DataView, at: number): void {
    const request = readTaskManagementRequest(view, at);
    takeInOrder(this.#session.window, view, at, () => this.#run(request));
  }

  override close(): void {
    this.#aborts.clear();
  }

  #run(request: TaskManagementRequest): void {
    const { functionCode, initiatorTaskTag: tag, lunHigh, lunLow } = request;
    const { pendingFunctions, device } = this.#session;
    const unitFunction = UNIT_FUNCTIONS[functionCode];
    if (pendingFunctions.has(tag) || pendingFunctions.size >= this.#limits.taskManagementFunctions) {
      this.#respond(tag, RESPONSES.FUNCTION_REJECTED);
    } else if (functionCode === FUNCTIONS.TASK_REASSIGN) {
      this.#respond(tag, RESPONSES.REASSIGNMENT_NOT_SUPPORTED); // ErrorRecoveryLevel 2 only
    } else if (functionCode === FUNCTIONS.TARGET_WARM_RESET && device !== undefined) {
      this.#resetTarget(device, request);
    } else if (functionCode !== FUNCTIONS.ABORT_TASK && unitFunction === undefined) {
      this.#respond(tag, RESPONSES.FUNCTION_NOT_SUPPORTED);
    } else if (device?.hasLogicalUnit(lunHigh, lunLow) !== true) {
      this.#respond(tag, RESPONSES.LUN_DOES_NOT_EXIST);
    } else if (unitFunction === undefined) {
      this.#abortTask(request);
    } else {
      this.#endMany(unitFunction, request);
    }
  }

  /** RFC 7143 §11.6.1 a, b, c. */
  #abortTask(request: TaskManagementRequest): void {
    const { initiatorTaskTag: tag, referencedTaskTag, refCmdSN, cmdSN } = request;
    const { tasks, window, pendingFunctions } = this.#session;
    if (referencedTaskTag === tag || pendingFunctions.has(referencedTaskTag)) {
      this.#respond(tag, RESPONSES.FUNCTION_REJECTED);
      return;
    }
    const task = tasks.get(referencedTaskTag);
    if (task !== undefined && isOn(task, request)) {
      // Only this task's own data is still under way, and that may end at any time: it is dropped when it comes.
      this.#abort(tag, [task], [], false);
      return;
    }
    const missing = window.position(refCmdSN) !== POSITION.OUTSIDE && serialLess(refCmdSN, cmdSN);
    if (missing) window.plug(refCmdSN);
    this.#respond(tag, missing ? RESPONSES.FUNCTION_COMPLETE : RESPONSES.TASK_DOES_NOT_EXIST);
  }

  /**
   * Waits for the commands that were sent before it, then ends the tasks that it affects (RFC 7143 §4.2.3.2, §4.2.3.3).
   */
  #endMany(name: UnitFunction, { initiatorTaskTag: tag, lunHigh, lunLow, cmdSN }: TaskManagementRequest): void {
    const session = this.#session;
    session.pendingFunctions.add(tag);
    session.window.whenReceived(cmdSN, () => {
      if (session.closed) return;
      const run = session.device?.beginFunction(name, lunHigh, lunLow, session.nexus);
      if (run === undefined)
        this.#conclude(tag, RESPONSES.LUN_DOES_NOT_EXIST); // it has gone meanwhile
      else this.#abortAll(tag, run, (task) => name === 'logicalUnitReset' || isEarlier(task, cmdSN));
    });
  }

  /** Ends all tasks at once: what has not been received before it counts as received (RFC 7143 §4.2.3.3 b). */
  #resetTarget(device: ScsiDevice, { initiatorTaskTag: tag, cmdSN }: TaskManagementRequest): void {
    const { nexus, window } = this.#session;
    this.#session.pendingFunctions.add(tag);
    window.plugBefore(cmdSN);
    this.#abortAll(tag, device.beginTargetReset(nexus), () => true);
  }

  #abortAll(tag: number, run: UnitFunctionRun, affects: (own: TargetTask) => boolean): void {
    const others = new Set(run.tasks);
    const own = this.#session.tasks.all().filter((task) => others.delete(task));
    this.#abort(tag, own.filter(affects), [...others], true, () => run.complete());
  }

  #abort(
    tag: number,
    own: readonly TargetTask[],
    others: readonly DeviceTask[],
    drains: boolean,
    then?: () => void,
  ): void {
    this.#session.pendingFunctions.add(tag);
    const abort = new TaskAbort({
      done: () => {
        this.#aborts.delete(abort);
        then?.();
        this.#conclude(tag, RESPONSES.FUNCTION_COMPLETE);
      },
      refused: () => {
        this.#aborts.delete(abort);
        this.#conclude(tag, RESPONSES.FUNCTION_REJECTED);
      },
    });
    this.#aborts.add(abort);
    abort.waitUntil(this.#now(), this.#limits.abortPatience);
    abort.start(own, others, this.#session.nexus, drains);
    this.sender.wake();
  }

  /** Answers a function that was under way. */
  #conclude(tag: number, response: number): void {
    this.#session.pendingFunctions.delete(tag);
    this.#respond(tag, response);
  }

  #respond(tag: number, response: number): void {
    const { sender } = this;
    if (this.#session.closed) return;
    const statSN = sender.nextStatSN();
    const { expCmdSN, maxCmdSN } = sender;
    sender.outbox.pdu(writeTaskManagementResponse, { response, initiatorTaskTag: tag, statSN, expCmdSN, maxCmdSN });
    sender.wake();
  }
}

function isOn(task: TargetTask, { lunHigh, lunLow }: TaskManagementRequest): boolean {
  return lunKey(task.lunHigh) === lunKey(lunHigh) && task.lunLow === lunLow;
}

/**
 * One number for all the ways in which a LUN field can name the same logical unit: peripheral and flat addressing mean
 * the same (RFC 7143 §11.2.1.7, SAM). Only for logical units that exist, whose lower levels are zero.
 */
function lunKey(lunHigh: number): number {
  const method = lunHigh >>> 30;
  return method <= 1 ? (lunHigh >>> 16) & 0x3fff : lunHigh;
}

/** An immediate task has no place in the order of CmdSN: what is there counts. */
function isEarlier(task: TargetTask, cmdSN: number): boolean {
  return task.immediate || serialLess(task.cmdSN, cmdSN);
}
