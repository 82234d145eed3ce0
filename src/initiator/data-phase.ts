import { DigestError, IscsiError, ProtocolError } from '../errors.ts';
import { dataSegmentLength, initiatorTaskTag, lunHigh, lunLow } from '../pdu/bhs.ts';
import {
  checkDataIn,
  dataInBufferOffset,
  dataInDataSN,
  dataInHasStatus,
  dataInOverflow,
  dataInResidualCount,
  dataInStatus,
  dataInUnderflow,
} from '../pdu/data-in.ts';
import { expCmdSN, maxCmdSN, statSN } from '../pdu/numbers.ts';
import { checkR2T, r2tBufferOffset, r2tDesiredDataTransferLength, r2tR2TSN, r2tTargetTransferTag } from '../pdu/r2t.ts';
import {
  checkScsiResponse,
  SCSI_RESPONSES,
  scsiResponseBidirectionalReadResidualCount,
  scsiResponseBidirectionalUnderflow,
  scsiResponseExpDataSN,
  scsiResponseOverflow,
  scsiResponseResidualCount,
  scsiResponseResponse,
  scsiResponseStatus,
  scsiResponseUnderflow,
} from '../pdu/scsi-response.ts';
import { readSenseSegment } from '../pdu/sense-segment.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { requireAllegiance } from './allegiance.ts';
import { accountFault, isGood, untrusted } from './byte-account.ts';
import type { InitiatorConnection } from './connection.ts';
import { sendDataOut } from './data-out.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { SessionState } from './session-state.ts';

/** Data segments from this length on are worth two reads: one for the header, one for the data, to its place. */
const LONG_SEGMENT = 64 * 1024;
/** Sense data with the greatest ADDITIONAL SENSE LENGTH that its one byte can say. */
const LONGEST_SENSE = 8 + 255;
/** The least MaxBurstLength (RFC 7143 §13.13): who asks for less, and not for the end, asks for crumbs. */
const LEAST_BURST = 512;
const NOTHING = new Uint8Array(0);

/**
 * Finds the place of a Data-In's payload (RFC 7143 §11.7). With DataPDUInOrder and DataSequenceInOrder, which this
 * initiator always negotiates, each begins where the one before ended: so nothing can be missing, doubled or outside
 * the buffer. Hot path.
 */
export function beginDataIn(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkDataIn(v, at);
  const task = findTask(s, c, v, at);
  const length = dataSegmentLength(v, at);
  if (task === undefined || task.damaged || length === 0) {
    c.sink = NOTHING;
    return;
  }
  const offset = dataInBufferOffset(v, at);
  if (offset !== task.received || offset + length > task.dataIn.length) {
    throw new ProtocolError(
      `Cannot place ${length} bytes of Data-In at offset ${offset}: ${task.received} bytes came so far, ${task.dataIn.length} were asked for`,
      { clause: '11.7.6' },
    );
  }
  c.sink = task.dataIn;
  c.sinkAt = offset;
  c.longSegments = length >= LONG_SEGMENT;
}

/** A Data-In is complete; with S it carries the status too (RFC 7143 §11.7.3). Hot path. */
export function endDataIn(
  s: SessionState,
  c: InitiatorConnection,
  v: DataView,
  at: number,
  dataDigestOk: boolean,
): void {
  s.window.update(expCmdSN(v, at), maxCmdSN(v, at));
  const hasStatus = dataInHasStatus(v, at);
  const task = findTask(s, c, v, at);
  if (!dataDigestOk) {
    rejectData(s, task, hasStatus);
    return;
  }
  if (hasStatus) c.acknowledge(statSN(v, at));
  if (task === undefined) {
    c.countUnasked();
    return;
  }
  if (task.damaged) {
    if (hasStatus) s.settle(task, task.abortReason);
    return;
  }
  if (!isNext(dataInDataSN(v, at), task.nextDataSN, task)) {
    throw new ProtocolError(`Cannot take Data-In ${dataInDataSN(v, at)}: ${task.nextDataSN} comes next`, {
      clause: '11.7.5',
    });
  }
  task.nextDataSN++;
  const length = dataSegmentLength(v, at);
  task.received += length;
  if (!hasStatus) {
    if (length === 0) c.countUnasked();
    return;
  }
  const underflow = dataInUnderflow(v, at);
  takeOutcome(task, dataInStatus(v, at), underflow, dataInOverflow(v, at), dataInResidualCount(v, at));
  complete(s, c, task, underflow && task.dataOut.length === 0 ? task.residualCount : 0);
}

/**
 * A SCSI Response ends the task (RFC 7143 §11.4). A response other than "completed at target" makes status and flags
 * meaningless.
 */
export function onScsiResponse(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkScsiResponse(v, at);
  c.acknowledge(statSN(v, at));
  const task = findTask(s, c, v, at);
  if (task === undefined) {
    c.countUnasked();
    return;
  }
  const writes = task.dataOut.length > 0;
  if (writes) c.longSegments = false;
  const response = scsiResponseResponse(v, at);
  if (response !== SCSI_RESPONSES.COMPLETED_AT_TARGET) {
    const text = `The target could not carry out the command: iSCSI response 0x${response.toString(16).padStart(2, '0')}`;
    s.settle(task, new IscsiError('ISCSI_TARGET_FAILURE', text));
    return;
  }
  const status = scsiResponseStatus(v, at);
  if (c.sink.length > 0) task.sense = senseIn(c.sink);
  const sent = scsiResponseExpDataSN(v, at);
  if (!isNext(sent, task.nextDataSN, task) && task.dataIn.length > 0 && sent !== 0 && !task.damaged) {
    // 0 is tolerated: what counts is the byte account in complete(), and some targets leave the field empty.
    s.settle(task, untrusted(`the target sent ${sent} Data-In PDUs, ${task.nextDataSN} arrived`));
    return;
  }
  const underflow = scsiResponseUnderflow(v, at);
  takeOutcome(task, status, underflow, scsiResponseOverflow(v, at), scsiResponseResidualCount(v, at));
  complete(s, c, task, unreadBytes(task, v, at));
}

/**
 * The sense data of a data segment, undefined when there is none. That fails the command alone, whatever its status,
 * although RFC 7143 §7.7 would end the session: the framing is whole, no other command is touched, and targets in use
 * leave it out. What is kept is a copy, if the segment has more: else a kept error would hold on to all of it.
 */
function senseIn(segment: Uint8Array): Uint8Array | undefined {
  const { sense } = readSenseSegment(segment);
  if (sense.length === 0) return undefined;
  return segment.length <= LONGEST_SENSE ? sense : sense.slice(0, LONGEST_SENSE);
}

/**
 * How many bytes of what the command reads the target says it did not send: of one that writes, too, there is a count
 * for that alone.
 */
function unreadBytes(task: InitiatorTask, v: DataView, at: number): number {
  if (task.dataOut.length === 0) return task.residual === 'underflow' ? task.residualCount : 0;
  return scsiResponseBidirectionalUnderflow(v, at) ? scsiResponseBidirectionalReadResidualCount(v, at) : 0;
}

/** The target wants data (RFC 7143 §11.8). Answered also while the command is being aborted (§4.2.3.3). */
export function onR2T(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkR2T(v, at);
  const task = findTask(s, c, v, at);
  if (task === undefined) {
    c.countUnasked();
    return;
  }
  if (s.loggingOut) return; // the logout ends the task, and gives its buffer back
  const offset = r2tBufferOffset(v, at);
  const length = r2tDesiredDataTransferLength(v, at);
  const number = r2tR2TSN(v, at);
  if (offset + length > task.dataOut.length || length > c.maxBurstLength) {
    throw new ProtocolError(
      `Cannot send ${length} bytes from offset ${offset}: the command writes ${task.dataOut.length}, MaxBurstLength is ${c.maxBurstLength}`,
      { clause: '11.8.4' },
    );
  }
  if (!isNext(number, task.nextR2TSN, task)) {
    throw new ProtocolError(`Cannot take R2T ${number}: ${task.nextR2TSN} comes next`, { clause: '11.8.2' });
  }
  // Without recovery R2Ts each begins where the one before ended. It also bounds what a target can make us queue.
  if (offset !== task.sent) {
    throw new ProtocolError(`Cannot send from offset ${offset}: ${task.sent} comes next`, { clause: '13.19' });
  }
  task.nextR2TSN++;
  // Requests for crumbs cost more to answer than they bring: headers must not pile up either.
  if (length < LEAST_BURST && offset + length < task.dataOut.length) c.countAnswer();
  sendDataOut(c.outbox, c, task, {
    targetTransferTag: r2tTargetTransferTag(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    offset,
    length,
  });
}

/**
 * Whether a DataSN, R2TSN or ExpDataSN is the one that comes next. R2Ts and Data-Ins of a bidirectional command share
 * one numbering (RFC 7143 §11.7.5), but the RFC's own example numbers them apart: both are taken.
 */
function isNext(number: number, own: number, task: InitiatorTask): boolean {
  if (number === own) return true;
  return task.dataIn.length > 0 && task.dataOut.length > 0 && number === task.nextDataSN + task.nextR2TSN;
}

function findTask(s: SessionState, c: InitiatorConnection, v: DataView, at: number): InitiatorTask | undefined {
  const task = s.tasks.find(initiatorTaskTag(v, at));
  if (task === undefined) return undefined;
  if (task.kind !== 'scsi')
    throw new ProtocolError(`Cannot take data or status for a ${task.kind} request`, { clause: '11.2.1.8' });
  if (task.phase === 'flushing') return undefined; // answered already
  if (task.phase === 'queued')
    throw new ProtocolError('Cannot take data or status for a command that was not sent', { clause: '11.2.1.8' });
  requireAllegiance(task, c);
  return task;
}

/** Status, and how much less or more than announced was moved (RFC 7143 §11.4.5). */
function takeOutcome(
  task: InitiatorTask,
  status: number,
  underflow: boolean,
  overflow: boolean,
  residualCount: number,
): void {
  task.status = status;
  task.residual = underflow ? 'underflow' : overflow ? 'overflow' : 'none';
  task.residualCount = underflow || overflow ? residualCount : 0;
}

/**
 * Ends a task with its status, after the bytes have been counted against what the target says it moved (RFC 7143
 * §11.4.5).
 */
function complete(s: SessionState, c: InitiatorConnection, task: InitiatorTask, unread: number): void {
  const { status } = task;
  if (task.damaged || (task.phase === 'aborting' && status === SCSI_STATUS.TASK_ABORTED)) {
    s.settle(task, task.abortReason);
    return;
  }
  s.settle(task, isGood(status) ? accountFault(task, c.outbox, unread) : undefined);
}

/**
 * A Data-In whose digest is wrong counts as not received (RFC 7143 §7.8). At error recovery level 0 that ends its task;
 * when it carried the status, that is lost too, and with it the session.
 */
function rejectData(s: SessionState, task: InitiatorTask | undefined, hasStatus: boolean): void {
  const error = new DigestError('The data digest of a Data-In is wrong: data was damaged on the way');
  if (hasStatus) throw error;
  if (task !== undefined) {
    task.damaged = true;
    s.abort(task, task.initiatorTaskTag, error);
  }
}
