import { serialLess } from '../bytes/serial.ts';
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
import type { TargetConnection } from './target-connection.ts';
import { logicalUnitKey } from './target-entry.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask } from './target-task.ts';
import { TaskAbort } from './task-abort.ts';

/** A Task Management Function Request has begun. */
export function beginTaskManagement(_c: TargetConnection, _s: TargetSession, view: DataView, at: number): void {
  checkTaskManagementRequest(view, at);
}

/** A Task Management Function Request is complete (RFC 7143 §11.5, §4.2.3). */
export function endTaskManagement(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  const request = readTaskManagementRequest(view, at);
  takeInOrder(s, view, at, () => run(c, s, request));
}

function run(c: TargetConnection, s: TargetSession, request: TaskManagementRequest): void {
  const { functionCode, initiatorTaskTag: tag, lunHigh, lunLow } = request;
  if (s.pendingFunctions.size >= c.limits.taskManagementFunctions) {
    respond(c, s, tag, RESPONSES.FUNCTION_REJECTED);
    return;
  }
  switch (functionCode) {
    case FUNCTIONS.ABORT_TASK:
    case FUNCTIONS.ABORT_TASK_SET:
    case FUNCTIONS.CLEAR_TASK_SET:
    case FUNCTIONS.LOGICAL_UNIT_RESET:
      if (s.device?.hasLogicalUnit(lunHigh, lunLow) !== true) respond(c, s, tag, RESPONSES.LUN_DOES_NOT_EXIST);
      else if (functionCode === FUNCTIONS.ABORT_TASK) abortTask(c, s, request);
      else abortSet(c, s, request);
      return;
    case FUNCTIONS.TASK_REASSIGN:
      respond(c, s, tag, RESPONSES.REASSIGNMENT_NOT_SUPPORTED); // ErrorRecoveryLevel 2 only
      return;
    default:
      respond(c, s, tag, RESPONSES.FUNCTION_NOT_SUPPORTED);
  }
}

/** RFC 7143 §11.6.1 a, b, c. */
function abortTask(c: TargetConnection, s: TargetSession, request: TaskManagementRequest): void {
  const { initiatorTaskTag: tag, referencedTaskTag, refCmdSN, cmdSN } = request;
  if (referencedTaskTag === tag || s.pendingFunctions.has(referencedTaskTag)) {
    respond(c, s, tag, RESPONSES.FUNCTION_REJECTED);
    return;
  }
  const task = s.tasks.get(referencedTaskTag);
  if (task !== undefined && isOn(task, request)) {
    // Only this task's own data is still under way, and that may end at any time: it is dropped when it comes.
    abort(c, s, request, [task], () => false);
    return;
  }
  const missing = s.window.position(refCmdSN) !== POSITION.OUTSIDE && serialLess(refCmdSN, cmdSN);
  if (missing) s.window.plug(refCmdSN);
  respond(c, s, tag, missing ? RESPONSES.FUNCTION_COMPLETE : RESPONSES.TASK_DOES_NOT_EXIST);
}

/** Waits for the commands that were sent before it, then ends the tasks that it affects (RFC 7143 §4.2.3.2, §4.2.3.3). */
function abortSet(c: TargetConnection, s: TargetSession, request: TaskManagementRequest): void {
  const { functionCode, initiatorTaskTag: tag, lunHigh, lunLow, cmdSN } = request;
  const reset = functionCode === FUNCTIONS.LOGICAL_UNIT_RESET;
  s.pendingFunctions.add(tag);
  s.window.whenReceived(cmdSN, () => {
    if (s.closed) return;
    const sessions = functionCode === FUNCTIONS.ABORT_TASK_SET ? [s] : [...(s.entry?.sessions ?? [])];
    const tasks = sessions
      .flatMap((session) => session.tasks.all())
      .filter((task) => isOn(task, request) && (reset || isEarlier(task, s, cmdSN)));
    const drains = (task: TargetTask): boolean => task.session === s;
    abort(c, s, request, tasks, drains, () => {
      if (reset) s.device?.resetLogicalUnit(lunHigh, lunLow);
    });
  });
}

function abort(
  c: TargetConnection,
  s: TargetSession,
  request: TaskManagementRequest,
  tasks: readonly TargetTask[],
  drains: (task: TargetTask) => boolean,
  then?: () => void,
): void {
  const tag = request.initiatorTaskTag;
  s.pendingFunctions.add(tag);
  const taskAbort = new TaskAbort(() => {
    c.aborts.delete(taskAbort);
    then?.();
    respond(c, s, tag, RESPONSES.FUNCTION_COMPLETE);
  });
  c.aborts.add(taskAbort);
  taskAbort.patience.start(c.limits.abortPatience);
  taskAbort.start(tasks, drains);
  c.wake();
}

function respond(c: TargetConnection, s: TargetSession, tag: number, response: number): void {
  s.pendingFunctions.delete(tag);
  if (s.closed) return;
  const statSN = c.nextStatSN();
  const { expCmdSN, maxCmdSN } = s.window;
  c.outbox.pdu(writeTaskManagementResponse, { response, initiatorTaskTag: tag, statSN, expCmdSN, maxCmdSN });
  c.wake();
}

function isOn(task: TargetTask, { lunHigh, lunLow }: TaskManagementRequest): boolean {
  return logicalUnitKey(task.lunHigh) === logicalUnitKey(lunHigh) && task.lunLow === lunLow;
}

/** Tasks of other sessions, and immediate ones, have no place in the issuing session's order: all that are there count. */
function isEarlier(task: TargetTask, s: TargetSession, cmdSN: number): boolean {
  return task.session !== s || task.immediate || serialLess(task.cmdSN, cmdSN);
}
