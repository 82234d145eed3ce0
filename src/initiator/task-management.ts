import { serialLess } from '../bytes/serial.ts';
import { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { TaskManagementFields } from './requests.ts';

const { ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, TARGET_WARM_RESET, TARGET_COLD_RESET } =
  TASK_MANAGEMENT_FUNCTIONS;
const { FUNCTION_COMPLETE, TASK_DOES_NOT_EXIST } = TASK_MANAGEMENT_RESPONSES;
const UNIT_FUNCTIONS: ReadonlySet<number> = new Set([ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]);
const TARGET_RESETS: ReadonlySet<number> = new Set([TARGET_WARM_RESET, TARGET_COLD_RESET]);

/** Whether the target's answer says that what the function acts on does nothing more (RFC 7143 §11.6.1). */
export function saysEnded({ functionCode }: TaskManagementFields, response: number | undefined): boolean {
  return response === FUNCTION_COMPLETE || (functionCode === ABORT_TASK && response === TASK_DOES_NOT_EXIST);
}

/**
 * Whether a task management function that is complete has ended `task`: no response of it can come any more (RFC 7143
 * §4.2.3.3). Those are the commands sent before it: the one that it names, those to its logical unit or, for a reset of
 * the target, all.
 *
 * @param cmdSN The CmdSN that the function carried.
 */
export function isEndedBy(request: TaskManagementFields, cmdSN: number, task: InitiatorTask): boolean {
  const { functionCode, lunHigh, lunLow } = request;
  if (task.phase === 'queued' || task.phase === 'flushing' || !serialLess(task.cmdSN, cmdSN)) return false;
  if (functionCode === ABORT_TASK) return task.initiatorTaskTag === request.referencedTaskTag;
  if (TARGET_RESETS.has(functionCode)) return true;
  return UNIT_FUNCTIONS.has(functionCode) && task.lunHigh === lunHigh && task.lunLow === lunLow;
}
