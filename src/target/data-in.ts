import type { DataSource } from '../bytes/data-source.ts';
import { type DataIn, writeDataIn } from '../pdu/data-in.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { setResidual } from './residual.ts';
import { sendStatus } from './scsi-response.ts';
import type { TargetTask } from './target-task.ts';

const GOOD = 0x00;
/** Data segments of PDUs that are not the last are multiples of this (RFC 7143 §11.7.7). */
const UNIT_MASK = ~3;

// One header object for all: nothing in it lives longer than the call of outbox.pdu().
const header: { -readonly [K in keyof DataIn]: DataIn[K] } = {
  final: false,
  acknowledge: false, // never at ErrorRecoveryLevel 0 (RFC 7143 §11.7.2)
  overflow: false,
  underflow: false,
  hasStatus: false,
  status: GOOD,
  dataSegmentLength: 0,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 0,
  targetTransferTag: RESERVED_TAG,
  statSN: 0,
  expCmdSN: 0,
  maxCmdSN: 0,
  dataSN: 0,
  bufferOffset: 0,
  residualCount: 0,
};

/**
 * Ends a command with GOOD and the first `length` of `bytes`, which must not change any more: as Data-In, the last PDU with the status (RFC 7143 §11.7).
 * What the initiator does not expect is not sent, but counted.
 */
export function sendDataInOf(task: TargetTask, bytes: Uint8Array, length: number): void {
  const { outbox } = task.connection;
  const end = begin(task, length);
  for (let at = 0; at < end; ) {
    const next = sendHeader(task, at, end);
    outbox.data(bytes, at, next);
    at = next;
  }
  finish(task, end);
}

/** As {@link sendDataInOf}, with `length` bytes copied from `source`, from `offset` on. Hot path: a read allocates nothing here. */
export function sendDataInFrom(task: TargetTask, source: DataSource, offset: number, length: number): void {
  const { outbox } = task.connection;
  const end = begin(task, length);
  for (let at = 0; at < end; ) {
    const next = sendHeader(task, at, end);
    outbox.dataFrom(source, offset + at, next - at);
    at = next;
  }
  finish(task, end);
}

/** How many bytes go out. */
function begin(task: TargetTask, length: number): number {
  task.dataInWanted = length;
  header.initiatorTaskTag = task.initiatorTaskTag;
  header.expCmdSN = task.session.window.expCmdSN;
  header.maxCmdSN = task.session.window.maxCmdSN;
  return Math.min(length, task.readLength);
}

/** Without data, and after a bidirectional command, the status needs a PDU of its own (RFC 7143 §11.7.3). */
function finish(task: TargetTask, end: number): void {
  if (end === 0 || task.writeLength > 0) sendStatus(task, GOOD);
}

/** Writes the header of the PDU that begins at `at`; returns where its data ends. F at the end of each burst (RFC 7143 §13.13). */
function sendHeader(task: TargetTask, at: number, end: number): number {
  const { connection, session } = task;
  const burst = session.parameters.maxBurstLength & UNIT_MASK;
  const burstEnd = at - (at % burst) + burst;
  const next = Math.min(end, burstEnd, at + (connection.maxSendDataSegmentLength & UNIT_MASK));
  const last = next === end && task.writeLength === 0;
  header.final = next === end || next === burstEnd;
  header.hasStatus = last;
  header.statSN = last ? connection.nextStatSN() : 0;
  header.dataSegmentLength = next - at;
  header.dataSN = task.nextDataSN;
  header.bufferOffset = at;
  if (last) {
    setResidual(header, task.dataInWanted, task.readLength);
  } else {
    header.overflow = false;
    header.underflow = false;
    header.residualCount = 0;
  }
  task.nextDataSN++;
  task.dataInCount++;
  connection.outbox.pdu(writeDataIn, header);
  return next;
}
