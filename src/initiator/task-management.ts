import { serialLess } from '../bytes/serial.ts';
import { TASK_MANAGEMENT_FUNCTIONS } from '../spec/iscsi-task-management.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { TaskManagementFields } from './requests.ts';

const { ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, TARGET_WARM_RESET, TARGET_COLD_RESET } =
  TASK_MANAGEMENT_FUNCTIONS;
const UNIT_FUNCTIONS: ReadonlySet<number> = new Set([ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]);
const TARGET_RESETS: ReadonlySet<number> = new Set([TARGET_WARM_RESET, TARGET_COLD_RESET]);

/**
 * Whether a task management function that is complete has ended `task`: no response of it can come any more (RFC 7143
 * §4.2.3.3). Those are the commands sent before it, to its logical unit or, for a reset of the target, to all. A single
 * task that was aborted is its own matter.
 *
 * @param cmdSN The CmdSN that the function carried.
 */
export function isEndedBy(request: TaskManagementFields, cmdSN: number, task: InitiatorTask): boolean {
  const everywhere = TARGET_RESETS.has(request.functionCode);
  if (!everywhere && !UNIT_FUNCTIONS.has(request.functionCode)) return false;
  if (task.phase === 'queued' || task.phase === 'flushing' || !serialLess(task.cmdSN, cmdSN)) return false;
  return everywhere || (task.lunHigh === request.lunHigh && task.lunLow === request.lunLow);
}
