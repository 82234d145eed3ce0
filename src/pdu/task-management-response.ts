/*
  Task Management Function Response (RFC 7143 §11.6)
     0  . . 0x22        1 Reserved   Response   Reserved
     4  TotalAHSLength 0, DataSegmentLength 0
     8  Reserved, 8 bytes
    16  Initiator Task Tag
    20  Reserved
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  Reserved, 12 bytes
*/

import { ProtocolError } from '../errors.ts';
import { TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import { initiatorTaskTag } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN } from './numbers.ts';
import { requireHeaderOnly, requireTaskTag } from './rules.ts';

/** What became of a task management function. */
export interface TaskManagementResponse {
  /** See `TASK_MANAGEMENT_RESPONSES`. */
  readonly response: number;
  /** The tag of the request. */
  readonly initiatorTaskTag: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

/** Writes the 48 bytes of a Task Management Function Response at `at`. */
export function writeTaskManagementResponse(v: DataView, at: number, p: TaskManagementResponse): void {
  v.setUint32(at, 0x2280_0000 | ((p.response & 0xff) << 8));
  v.setUint32(at + 4, 0);
  v.setUint32(at + 8, 0);
  v.setUint32(at + 12, 0);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, 0);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, 0);
  v.setUint32(at + 40, 0);
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a Task Management Function Response at `at`. */
export function readTaskManagementResponse(v: DataView, at: number): TaskManagementResponse {
  return {
    response: v.getUint8(at + 2),
    initiatorTaskTag: initiatorTaskTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
  };
}

/** @throws {ProtocolError} On AHS or data, the reserved tag, or a reserved response. */
export function checkTaskManagementResponse(v: DataView, at: number): void {
  requireHeaderOnly(v, at, 'a Task Management Function Response', '11.6.2');
  requireTaskTag(v, at, 'a Task Management Function Response');
  const response = v.getUint8(at + 2);
  const { FUNCTION_SUCCEEDED, FUNCTION_REJECTED } = TASK_MANAGEMENT_RESPONSES;
  if (response > FUNCTION_SUCCEEDED && response < FUNCTION_REJECTED) {
    throw new ProtocolError(`Cannot take a Task Management Function Response with the reserved response ${response}`, {
      clause: '11.6.1',
    });
  }
}
