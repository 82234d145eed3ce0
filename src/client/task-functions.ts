import { saysEnded } from '../initiator/task-management.ts';
import type { Lun } from '../scsi/lun.ts';
import {
  TASK_MANAGEMENT_FUNCTIONS as FUNCTIONS,
  TASK_MANAGEMENT_RESPONSES as RESPONSES,
  taskManagementAdvice,
  taskManagementFunctionText,
  taskManagementResponseText,
} from '../spec/iscsi-task-management.ts';
import { Announcer } from './announcer.ts';
import type { TaskName } from './commands-under-way.ts';
import type { RequestOptions, TaskManagementFunction } from './session-requests.ts';

/**
 * What the target answers to a task management function (RFC 7143 §11.6.1). `reserved`: a code without a meaning.
 */
export type TaskManagementResponseName =
  | 'functionComplete'
  | 'taskDoesNotExist'
  | 'lunDoesNotExist'
  | 'taskStillAllegiant'
  | 'reassignmentNotSupported'
  | 'functionNotSupported'
  | 'authorizationFailed'
  | 'functionSucceeded'
  | 'functionRejected'
  | 'reserved';

/** What came of a task management function. */
export interface TaskManagementOutcome {
  /** The function: one of `TASK_MANAGEMENT_FUNCTIONS`. */
  readonly functionCode: number;
  /** Its name in the standard's words, such as `LOGICAL UNIT RESET`. */
  readonly functionName: string;
  /** The target's answer, by name. */
  readonly response: TaskManagementResponseName;
  /** The Response field as it came: one of `TASK_MANAGEMENT_RESPONSES`. */
  readonly responseCode: number;
  /**
   * True: what the function acts on does nothing more at the target. That is so when it is complete, and when a task to
   * be aborted is not there (any more).
   */
  readonly done: boolean;
  /** What the answer means, in words. */
  readonly meaning: string;
  /** What to do about it, in words; undefined where there is nothing to do. */
  readonly advice: string | undefined;
}

/** Options of `taskReassign`. */
export interface TaskReassignOptions extends RequestOptions {
  /** Of a task that reads: the DataSN of the first Data-In PDU that was not acknowledged. Default 0: all over again. */
  readonly expDataSN?: number;
}

/**
 * Task management by name (RFC 7143 §11.5): what a session has for ending commands. Each waits for the target's answer,
 * whatever it is: look at `done`. A function acts on the commands that were sent before it and never on those that
 * still wait for the command window, or are sent after it. A command that it has ended fails with an
 * `EndedByFunctionError` (`ISCSI_ABORTED`), unless its own answer came first.
 *
 * One function of a session is under way at a time, further ones wait for their turn: a target need not take more.
 *
 * @example
 * await using session = await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const { done, response } = await session.logicalUnitReset(0);
 * [done, response]; // [true, 'functionComplete']
 */
export abstract class TaskFunctions extends Announcer {
  /** Sends a task management function and gives the Response field, one of `TASK_MANAGEMENT_RESPONSES`. */
  abstract taskManagement(request: TaskManagementFunction, options?: RequestOptions): Promise<number>;

  /**
   * ABORT TASK: ends one command.
   * @param task One of `session.commandsUnderWay()`.
   * @throws {IscsiError} `ISCSI_USAGE` when it was not sent yet: its own signal takes it back.
   */
  abortTask(task: TaskName, options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.ABORT_TASK, task }, options);
  }

  /** ABORT TASK SET: ends the commands of this session to a logical unit. */
  abortTaskSet(lun: Lun | number, options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.ABORT_TASK_SET, lun }, options);
  }

  /** CLEAR ACA: ends the auto contingent allegiance that keeps a logical unit from taking commands. */
  clearAca(lun: Lun | number, options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.CLEAR_ACA, lun }, options);
  }

  /** CLEAR TASK SET: ends the commands of all initiators to a logical unit. */
  clearTaskSet(lun: Lun | number, options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.CLEAR_TASK_SET, lun }, options);
  }

  /**
   * LOGICAL UNIT RESET: ends the commands of all initiators to a logical unit and sets it back to how it was when
   * switched on, reservations that are not persistent included. Other logical units feel nothing.
   */
  logicalUnitReset(lun: Lun | number, options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.LOGICAL_UNIT_RESET, lun }, options);
  }

  /** TARGET WARM RESET: resets every logical unit of the target, for all initiators. */
  targetWarmReset(options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.TARGET_WARM_RESET }, options);
  }

  /**
   * TARGET COLD RESET: as if the target was switched off and on. It ends all sessions, this one too: the answer may not
   * come any more, and then this fails with `ISCSI_CONNECTION_LOST`.
   */
  targetColdReset(options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.#send({ functionCode: FUNCTIONS.TARGET_COLD_RESET }, options);
  }

  /**
   * TASK REASSIGN: moves a task to this connection, after its own was lost. Sessions of this library are of error
   * recovery level 0, where targets answer `reassignmentNotSupported`.
   */
  taskReassign(task: TaskName, options: TaskReassignOptions = {}): Promise<TaskManagementOutcome> {
    const { expDataSN = 0, ...rest } = options;
    return this.#send({ functionCode: FUNCTIONS.TASK_REASSIGN, task, expDataSN }, rest);
  }

  async #send(request: TaskManagementFunction, options: RequestOptions): Promise<TaskManagementOutcome> {
    return outcomeOf(request.functionCode, await this.taskManagement(request, options));
  }
}

/** The target's answer in words. */
export function outcomeOf(functionCode: number, responseCode: number): TaskManagementOutcome {
  return {
    functionCode,
    functionName: taskManagementFunctionText(functionCode).name,
    response: NAMES.get(responseCode) ?? 'reserved',
    responseCode,
    done: saysEnded({ functionCode }, responseCode),
    meaning: taskManagementResponseText(responseCode).text,
    advice: taskManagementAdvice(responseCode),
  };
}

const NAMES: ReadonlyMap<number, TaskManagementResponseName> = new Map([
  [RESPONSES.FUNCTION_COMPLETE, 'functionComplete'],
  [RESPONSES.TASK_DOES_NOT_EXIST, 'taskDoesNotExist'],
  [RESPONSES.LUN_DOES_NOT_EXIST, 'lunDoesNotExist'],
  [RESPONSES.TASK_STILL_ALLEGIANT, 'taskStillAllegiant'],
  [RESPONSES.REASSIGNMENT_NOT_SUPPORTED, 'reassignmentNotSupported'],
  [RESPONSES.FUNCTION_NOT_SUPPORTED, 'functionNotSupported'],
  [RESPONSES.AUTHORIZATION_FAILED, 'authorizationFailed'],
  [RESPONSES.FUNCTION_SUCCEEDED, 'functionSucceeded'],
  [RESPONSES.FUNCTION_REJECTED, 'functionRejected'],
]);
