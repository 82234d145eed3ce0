import { IscsiError, ProtocolError } from '../errors.ts';
import type { Outbox } from '../pdu/outbox.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import type { InitiatorTask } from './initiator-task.ts';

/**
 * Commands whose data says itself how long it is (SPC): REQUEST SENSE, INQUIRY, MODE SENSE, RECEIVE DIAGNOSTIC RESULTS,
 * LOG SENSE, PERSISTENT RESERVE IN, REPORT LUNS, MAINTENANCE IN. Never one that reads what was stored.
 */
const DESCRIBES_ITSELF: ReadonlySet<number> = new Set([0x03, 0x12, 0x1a, 0x1c, 0x4d, 0x5a, 0x5e, 0xa0, 0xa3]);

/** Whether a status says that the command was carried out, so that its bytes have to add up. */
export function isGood(status: number): boolean {
  return status === SCSI_STATUS.GOOD || status === SCSI_STATUS.CONDITION_MET;
}

/**
 * Holds what a command that ended well has moved against what the target says it moved (RFC 7143 §11.4.5). Hot path.
 * @param outbox Of the connection that carried the command.
 * @param unread What the target says it did not send of what was to be read, in bytes.
 * @returns Why the answer cannot be trusted, or undefined when all adds up.
 */
export function accountFault(task: InitiatorTask, outbox: Outbox, unread: number): ProtocolError | undefined {
  const missing = task.dataIn.length - task.received;
  if (missing !== unread && task.dataIn.length > 0) return readFault(task, missing, unread);
  return task.dataOut.length > 0 ? writeFault(task, outbox) : undefined;
}

/**
 * What a command settles with that was answered while its data was on its way to the socket, when the session then
 * ends: the last of the data may never have left, so GOOD is not believed. Any other answer stands.
 * @param ended Why the session ended.
 */
export function endOfHeld(task: InitiatorTask, ended: IscsiError): IscsiError | undefined {
  if (task.outcome !== undefined || !isGood(task.status)) return task.outcome;
  const what = 'Cannot trust the answer to the command: the session ended before the last of its data had left';
  return new IscsiError(ended.code, what, { cause: ended, commandSent: true });
}

/** The error of a command whose answer contradicts what was seen on the way. */
export function untrusted(what: string): ProtocolError {
  return new ProtocolError(`Cannot trust the answer to the command: ${what}`, { clause: '11.4.5' });
}

/**
 * Apart, so that the check itself stays small enough to be compiled in place. Where the data says how long it is, the
 * target's count is not needed: what came counts, and the residual says what did not. Targets leave U away there, or
 * set it with the count of their own buffer.
 */
function readFault(task: InitiatorTask, missing: number, unread: number): ProtocolError | undefined {
  if (task.dataOut.length > 0 || !DESCRIBES_ITSELF.has(task.cdb.getUint8(0))) {
    return untrusted(`${missing} bytes are missing, the target says ${unread}`);
  }
  task.residual = missing > 0 ? 'underflow' : 'none';
  task.residualCount = missing;
  return undefined;
}

/**
 * The residual must cover what was not sent; it may be more, since unsolicited data goes out before the target has read
 * the CDB. And no answer can be about data that has not even been handed to the socket.
 */
function writeFault(task: InitiatorTask, outbox: Outbox): ProtocolError | undefined {
  const { sent } = task;
  const announced = task.dataOut.length;
  const unused = task.residual === 'underflow' ? task.residualCount : 0;
  if (unused > announced) return untrusted(`the target says that ${unused} of ${announced} bytes are not written`);
  if (announced - sent > unused) {
    return untrusted(`the target took ${sent} of ${announced} bytes and says that ${announced - unused} are written`);
  }
  if (task.sentEnd <= outbox.position - outbox.pendingBytes) return undefined;
  return untrusted('the target says that all is written, and the last of the data had not left');
}
