import { type R2T, writeR2T } from '../pdu/r2t.ts';
import type { TaskState } from './task-state.ts';

const header: { -readonly [K in keyof R2T]: R2T[K] } = {
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 0,
  targetTransferTag: 0,
  statSN: 0,
  expCmdSN: 0,
  maxCmdSN: 0,
  r2tSN: 0,
  bufferOffset: 0,
  desiredDataTransferLength: 0,
};

/**
 * Asks for `length` bytes of what a command writes, from `offset` on (RFC 7143 §11.8). StatSN is shown, not used up.
 */
export function sendR2T(task: TaskState, targetTransferTag: number, offset: number, length: number): void {
  const { sender } = task;
  header.lunHigh = task.lunHigh;
  header.lunLow = task.lunLow;
  header.initiatorTaskTag = task.initiatorTaskTag;
  header.targetTransferTag = targetTransferTag;
  header.statSN = sender.statSN;
  header.expCmdSN = sender.expCmdSN;
  header.maxCmdSN = sender.maxCmdSN;
  header.r2tSN = task.nextDataSN;
  header.bufferOffset = offset;
  header.desiredDataTransferLength = length;
  task.nextDataSN++;
  sender.outbox.pdu(writeR2T, header);
  sender.wake();
}
