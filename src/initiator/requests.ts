import { writeLogoutRequest } from '../pdu/logout-request.ts';
import { writeNopOut } from '../pdu/nop-out.ts';
import { writeTaskManagementRequest } from '../pdu/task-management-request.ts';
import { writeTextRequest } from '../pdu/text-request.ts';
import { LOGOUT_REASONS } from '../spec/iscsi-logout.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { InitiatorConnection } from './connection.ts';
import type { Exchange } from './exchange.ts';

/** What a task management function acts on. */
export interface TaskManagementFields {
  readonly functionCode: number;
  readonly lunHigh: number;
  readonly lunLow: number;
  /** The task for ABORT TASK, `RESERVED_TAG` for functions that act on more than one. */
  readonly referencedTaskTag: number;
  /** The CmdSN of the referenced task. */
  readonly refCmdSN: number;
  /** TASK REASSIGN of a task that reads: the DataSN of the first Data-In that was not acknowledged. Default 0. */
  readonly expDataSN?: number;
}

// All of them are immediate: they must pass a closed window. `cmdSN` is the CmdSN that comes next; they carry it
// without using it up.

/** Sends a Task Management Function Request (RFC 7143 §11.5). */
export function sendTaskManagement(
  c: InitiatorConnection,
  cmdSN: number,
  exchange: Exchange,
  fields: TaskManagementFields,
): void {
  c.outbox.pdu(writeTaskManagementRequest, {
    immediate: true,
    functionCode: fields.functionCode,
    lunHigh: fields.lunHigh,
    lunLow: fields.lunLow,
    initiatorTaskTag: exchange.initiatorTaskTag,
    referencedTaskTag: fields.referencedTaskTag,
    cmdSN,
    expStatSN: c.expStatSN,
    refCmdSN: fields.refCmdSN,
    expDataSN: fields.expDataSN ?? 0,
  });
}

/** Sends a NOP-Out that wants a NOP-In (RFC 7143 §11.18). */
export function sendPing(c: InitiatorConnection, cmdSN: number, exchange: Exchange, data: Uint8Array): void {
  c.outbox.pdu(writeNopOut, {
    immediate: true,
    dataSegmentLength: data.length,
    lunHigh: 0,
    lunLow: 0,
    initiatorTaskTag: exchange.initiatorTaskTag,
    targetTransferTag: RESERVED_TAG,
    cmdSN,
    expStatSN: c.expStatSN,
  });
  c.outbox.data(data, 0, data.length);
}

/** Answers a NOP-In that wants it: the whole LUN and the tag copied, no data (RFC 7143 §11.18). */
export function sendNopAnswer(
  c: InitiatorConnection,
  cmdSN: number,
  targetTransferTag: number,
  lunHigh: number,
  lunLow: number,
): void {
  c.outbox.pdu(writeNopOut, {
    immediate: true,
    dataSegmentLength: 0,
    lunHigh,
    lunLow,
    initiatorTaskTag: RESERVED_TAG,
    targetTransferTag,
    cmdSN,
    expStatSN: c.expStatSN,
  });
}

/** Where a text sequence goes on: what the last response carried. */
export interface TextPosition {
  readonly targetTransferTag: number;
  readonly lunHigh: number;
  readonly lunLow: number;
}

const TEXT_START: TextPosition = { targetTransferTag: RESERVED_TAG, lunHigh: 0, lunLow: 0 };

/**
 * Sends a Text Request that holds the whole text, or, with a position and no text, asks for the next part of a long
 * answer.
 */
export function sendText(
  c: InitiatorConnection,
  cmdSN: number,
  exchange: Exchange,
  text: Uint8Array,
  position = TEXT_START,
): void {
  c.outbox.pdu(writeTextRequest, {
    immediate: true,
    final: true,
    continues: false,
    dataSegmentLength: text.length,
    lunHigh: position.lunHigh,
    lunLow: position.lunLow,
    initiatorTaskTag: exchange.initiatorTaskTag,
    targetTransferTag: position.targetTransferTag,
    cmdSN,
    expStatSN: c.expStatSN,
  });
  c.outbox.data(text, 0, text.length);
}

/** Sends a Logout Request that closes the session (RFC 7143 §11.14). */
export function sendLogout(c: InitiatorConnection, cmdSN: number, exchange: Exchange): void {
  c.outbox.pdu(writeLogoutRequest, {
    immediate: true,
    reason: LOGOUT_REASONS.CLOSE_SESSION,
    initiatorTaskTag: exchange.initiatorTaskTag,
    cid: c.cid,
    cmdSN,
    expStatSN: c.expStatSN,
  });
}
