import { OPCODES } from '../spec/iscsi-opcodes.ts';
import { beginDataOut, endDataOut } from './data-out.ts';
import { beginLogout, endLogout } from './logout.ts';
import { beginNopOut, endNopOut } from './nop.ts';
import { beginScsiCommand, discardScsiCommand, endScsiCommand } from './scsi-command.ts';
import { beginSnack, endSnack } from './snack.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';
import { beginTaskManagement, endTaskManagement } from './task-management.ts';
import { beginText, discardText, endText } from './text.ts';

/** A step in taking one PDU. */
export type Step = (c: TargetConnection, s: TargetSession, view: DataView, at: number) => void;

/** What to do with one kind of request in full feature phase. */
export interface RequestHandler {
  /** Whether a Discovery session may send it (RFC 7143 §4.3). */
  readonly discovery: boolean;
  /** The header is here. Sets `c.sink` when the data is of interest. */
  readonly begin: Step;
  /** The PDU is complete and right. */
  readonly end: Step;
  /** The PDU is complete, but its data is damaged; a Reject has said so. Default: nothing more. */
  readonly discard?: Step;
}

const HANDLER_BY_OPCODE: Partial<Record<number, RequestHandler>> = {
  [OPCODES.NOP_OUT]: { discovery: false, begin: beginNopOut, end: endNopOut, discard: dropGathered },
  [OPCODES.SCSI_COMMAND]: {
    discovery: false,
    begin: beginScsiCommand,
    end: endScsiCommand,
    discard: discardScsiCommand,
  },
  [OPCODES.TASK_MANAGEMENT_REQUEST]: { discovery: false, begin: beginTaskManagement, end: endTaskManagement },
  [OPCODES.TEXT_REQUEST]: { discovery: true, begin: beginText, end: endText, discard: discardText },
  [OPCODES.DATA_OUT]: {
    discovery: false,
    begin: beginDataOut,
    end: (c, s, view, at) => endDataOut(c, s, view, at, true),
    discard: (c, s, view, at) => endDataOut(c, s, view, at, false),
  },
  [OPCODES.LOGOUT_REQUEST]: { discovery: true, begin: beginLogout, end: endLogout },
  [OPCODES.SNACK]: { discovery: false, begin: beginSnack, end: endSnack },
};

/** By opcode; undefined for what no initiator may send in full feature phase, a second Login Request included (RFC 7143 §4.2.4). */
export const HANDLERS: readonly (RequestHandler | undefined)[] = Array.from(
  { length: 64 },
  (_, code) => HANDLER_BY_OPCODE[code],
);

function dropGathered(c: TargetConnection): void {
  c.gather.release();
}
