import { serialLess } from '../bytes/serial.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { TaskManagementFields } from './requests.ts';
import { endedByFunction } from './session-errors.ts';
import type { SessionState } from './session-state.ts';

const {
  ABORT_TASK,
  ABORT_TASK_SET,
  CLEAR_TASK_SET,
  LOGICAL_UNIT_RESET,
  TARGET_WARM_RESET,
  TARGET_COLD_RESET,
  TASK_REASSIGN,
  I_T_NEXUS_RESET,
} = TASK_MANAGEMENT_FUNCTIONS;
const { FUNCTION_COMPLETE, TASK_DOES_NOT_EXIST } = TASK_MANAGEMENT_RESPONSES;
const UNIT_FUNCTIONS: ReadonlySet<number> = new Set([ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]);
const TARGET_RESETS: ReadonlySet<number> = new Set([TARGET_WARM_RESET, TARGET_COLD_RESET]);
/** The LUN field of these is reserved (RFC 7143 §11.5.3; RFC 7144). */
const WITHOUT_LUN: ReadonlySet<number> = new Set([...TARGET_RESETS, TASK_REASSIGN, I_T_NEXUS_RESET]);
/** LUN fields of addressing methods 00b and 01b that name one level mean the same number (SAM, RFC 7143 §11.2.1.7). */
const LUN_NUMBER = 0x3fff;

/**
 * A request in which the fields that its function does not use are empty, as the standard wants them: the LUN of a
 * reset of the target and of TASK REASSIGN, the RefCmdSN of TASK REASSIGN (RFC 7143 §11.5.3, §11.5.5).
 */
export function usedFields(fields: TaskManagementFields): TaskManagementFields {
  const { functionCode } = fields;
  if (!WITHOUT_LUN.has(functionCode)) return fields;
  const own = { functionCode, lunHigh: 0, lunLow: 0, refCmdSN: 0 };
  if (functionCode !== TASK_REASSIGN) return { ...own, referencedTaskTag: RESERVED_TAG };
  return { ...own, referencedTaskTag: fields.referencedTaskTag, expDataSN: fields.expDataSN ?? 0 };
}

/** Whether the target's answer says that what the function acts on does nothing more (RFC 7143 §11.6.1). */
export function saysEnded(
  { functionCode }: Pick<TaskManagementFields, 'functionCode'>,
  response: number | undefined,
): boolean {
  return response === FUNCTION_COMPLETE || (functionCode === ABORT_TASK && response === TASK_DOES_NOT_EXIST);
}

/**
 * Ends what a task management function that is complete has ended, each task with the reason that it has already or the
 * function.
 */
export function endTasks(s: Pick<SessionState, 'tasks' | 'settle'>, fields: TaskManagementFields, cmdSN: number): void {
  s.tasks.forEach((entry) => {
    if (entry.kind !== 'scsi' || !isEndedBy(fields, cmdSN, entry)) return;
    s.settle(entry, entry.abortReason ?? endedByFunction(fields.functionCode));
  });
}

/**
 * Whether a task management function that is complete has ended `task`: no response of it can come any more (RFC 7143
 * §4.2.3.3). Those are the commands sent before it: the one that it names, those to its logical unit or, for a reset of
 * the target, all.
 *
 * @param cmdSN The CmdSN that the function carried.
 */
function isEndedBy(request: TaskManagementFields, cmdSN: number, task: InitiatorTask): boolean {
  const { functionCode, lunHigh, lunLow } = request;
  if (task.phase === 'queued' || task.phase === 'flushing' || !serialLess(task.cmdSN, cmdSN)) return false;
  if (functionCode === ABORT_TASK) return task.initiatorTaskTag === request.referencedTaskTag;
  if (TARGET_RESETS.has(functionCode)) return true;
  if (!UNIT_FUNCTIONS.has(functionCode) || task.lunLow !== lunLow) return false;
  return lunNumber(task.lunHigh, task.lunLow) === lunNumber(lunHigh, lunLow);
}

/** One number for both ways in which a LUN field can name the same logical unit. */
function lunNumber(lunHigh: number, lunLow: number): number {
  const oneLevel = lunHigh >>> 31 === 0 && (lunHigh & 0xffff) === 0 && lunLow === 0;
  return oneLevel ? (lunHigh >>> 16) & LUN_NUMBER : lunHigh;
}
