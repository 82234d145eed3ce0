/*
  Task Management Function Request (RFC 7143 §11.5)
     0  . I 0x02        1 Function (7 bits)   Reserved
     4  TotalAHSLength 0, DataSegmentLength 0
     8  Logical Unit Number (LUN) or Reserved
    16  Initiator Task Tag
    20  Referenced Task Tag or 0xffffffff
    24  CmdSN
    28  ExpStatSN
    32  RefCmdSN or Reserved
    36  ExpDataSN or Reserved
    40  Reserved, 8 bytes
*/

import { ProtocolError } from '../errors.ts';
import { TASK_MANAGEMENT_FUNCTIONS } from '../spec/iscsi-task-management.ts';
import { immediate, initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { cmdSN, expStatSN } from './numbers.ts';
import { requireHeaderOnly, requireTaskTag } from './rules.ts';

/** Asks the target to do something about tasks. */
export interface TaskManagementRequest {
  readonly immediate: boolean;
  /** The Function field: see `TASK_MANAGEMENT_FUNCTIONS`. */
  readonly functionCode: number;
  /** For functions that address one logical unit, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  /** The tag of this request. */
  readonly initiatorTaskTag: number;
  /** The tag of the task that is meant, else `RESERVED_TAG`. */
  readonly referencedTaskTag: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
  /** ABORT TASK: the CmdSN of the task that is meant, or of this request when that task was immediate. Else 0. */
  readonly refCmdSN: number;
  /** TASK REASSIGN of a read: the first Data-In not yet acknowledged. Else 0. */
  readonly expDataSN: number;
}

/** Writes the 48 bytes of a Task Management Function Request at `at`. */
export function writeTaskManagementRequest(v: DataView, at: number, p: TaskManagementRequest): void {
  v.setUint32(at, 0x0280_0000 | (p.immediate ? 0x4000_0000 : 0) | ((p.functionCode & 0x7f) << 16));
  v.setUint32(at + 4, 0);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.referencedTaskTag);
  v.setUint32(at + 24, p.cmdSN);
  v.setUint32(at + 28, p.expStatSN);
  v.setUint32(at + 32, p.refCmdSN);
  v.setUint32(at + 36, p.expDataSN);
  v.setUint32(at + 40, 0);
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a Task Management Function Request at `at`. */
export function readTaskManagementRequest(v: DataView, at: number): TaskManagementRequest {
  return {
    immediate: immediate(v, at),
    functionCode: v.getUint8(at + 1) & 0x7f,
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    referencedTaskTag: v.getUint32(at + 20),
    cmdSN: cmdSN(v, at),
    expStatSN: expStatSN(v, at),
    refCmdSN: v.getUint32(at + 32),
    expDataSN: v.getUint32(at + 36),
  };
}

/**
 * An unknown function is not checked: the answer to it is a response. Nor is a Referenced Task Tag where there should
 * be none: it is not used.
 * @throws {ProtocolError} On AHS or data, the reserved tag, or a TASK REASSIGN that is not immediate.
 */
export function checkTaskManagementRequest(v: DataView, at: number): void {
  requireHeaderOnly(v, at, 'a Task Management Function Request', '11.5.2');
  requireTaskTag(v, at, 'a Task Management Function Request');
  if ((v.getUint8(at + 1) & 0x7f) === TASK_MANAGEMENT_FUNCTIONS.TASK_REASSIGN && !immediate(v, at)) {
    throw new ProtocolError('Cannot take a TASK REASSIGN that is not immediate', { clause: '11.5.1' });
  }
}
