import { SCSI_RESPONSES, type ScsiResponse, writeScsiResponse } from '../pdu/scsi-response.ts';
import { senseSegmentLength, writeSenseSegment } from '../pdu/sense-segment.ts';
import { type ResidualFields, setResidual } from './residual.ts';
import type { TaskState } from './task-state.ts';

const header: { -readonly [K in keyof ScsiResponse]: ScsiResponse[K] } = {
  bidirectionalOverflow: false,
  bidirectionalUnderflow: false,
  overflow: false,
  underflow: false,
  response: SCSI_RESPONSES.COMPLETED_AT_TARGET,
  status: 0,
  dataSegmentLength: 0,
  initiatorTaskTag: 0,
  snackTag: 0, // no R-Data SNACK at ErrorRecoveryLevel 0
  statSN: 0,
  expCmdSN: 0,
  maxCmdSN: 0,
  expDataSN: 0,
  bidirectionalReadResidualCount: 0,
  residualCount: 0,
};

const read: ResidualFields = { overflow: false, underflow: false, residualCount: 0 };

/** Ends a command with a SCSI Response (RFC 7143 §11.4): status, residuals, sense data if there is any. */
export function sendStatus(task: TaskState, status: number, sense?: Uint8Array): void {
  header.response = SCSI_RESPONSES.COMPLETED_AT_TARGET;
  header.status = status;
  header.expDataSN = task.dataInCount;
  setResiduals(task);
  send(task, sense);
}

/**
 * Ends a command with the iSCSI response "target failure": status, flags and counts mean nothing then (RFC 7143
 * §11.4.3).
 */
export function sendTargetFailure(task: TaskState): void {
  header.response = SCSI_RESPONSES.TARGET_FAILURE;
  header.status = 0;
  header.expDataSN = 0;
  setResidual(header, 0, 0);
  header.bidirectionalOverflow = false;
  header.bidirectionalUnderflow = false;
  header.bidirectionalReadResidualCount = 0;
  send(task, undefined);
}

/** Of a bidirectional command the write's residual is the main one (RFC 7143 §11.4.5, §11.4.6). */
function setResiduals(task: TaskState): void {
  if (task.writeLength > 0) setResidual(header, task.dataOutWanted, task.writeLength);
  else setResidual(header, Math.max(task.dataInWanted, task.dataOutWanted), task.readLength);
  setResidual(read, task.bidirectional ? task.dataInWanted : 0, task.bidirectional ? task.readLength : 0);
  header.bidirectionalOverflow = read.overflow;
  header.bidirectionalUnderflow = read.underflow;
  header.bidirectionalReadResidualCount = read.residualCount;
}

function send(task: TaskState, sense: Uint8Array | undefined): void {
  const { sender } = task;
  header.dataSegmentLength = sense === undefined ? 0 : senseSegmentLength(sense.length);
  header.initiatorTaskTag = task.initiatorTaskTag;
  header.statSN = sender.nextStatSN();
  header.expCmdSN = sender.expCmdSN;
  header.maxCmdSN = sender.maxCmdSN;
  sender.outbox.pdu(writeScsiResponse, header);
  if (sense === undefined) return;
  const segment = new Uint8Array(header.dataSegmentLength);
  writeSenseSegment(segment, 0, sense);
  sender.outbox.data(segment, 0, segment.length);
}
