import type { DataSource } from '../bytes/data-source.ts';
import { type DataIn, writeDataIn } from '../pdu/data-in.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { setResidual } from './residual.ts';
import { sendStatus } from './scsi-response.ts';
import type { TaskState } from './task-state.ts';

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
 * Ends a command with GOOD and the first `length` of `bytes`, which must not change any more: as Data-In, the last PDU
 * with the status (RFC 7143 §11.7). What the initiator does not expect is not sent, but counted.
 */
export function sendDataInOf(task: TaskState, bytes: Uint8Array, length: number): void {
  const { outbox } = task.sender;
  const end = begin(task, length);
  for (let at = 0; at < end; ) {
    const next = sendHeader(task, at, end);
    outbox.data(bytes, at, next);
    at = next;
  }
  finish(task, end);
}

/**
 * As {@link sendDataInOf}, with `length` bytes from `source`, from `offset` on. Hot path: a read allocates nothing
 * here.
 */
export function sendDataInFrom(task: TaskState, source: DataSource, offset: number, length: number): void {
  const { outbox } = task.sender;
  const end = begin(task, length);
  for (let at = 0; at < end; ) {
    const next = sendHeader(task, at, end);
    outbox.dataFrom(source, offset + at, next - at);
    at = next;
  }
  finish(task, end);
}

/** How many bytes go out. */
function begin(task: TaskState, length: number): number {
  task.dataInWanted = length;
  header.initiatorTaskTag = task.initiatorTaskTag;
  header.expCmdSN = task.sender.expCmdSN;
  header.maxCmdSN = task.sender.maxCmdSN;
  return Math.min(length, task.readLength);
}

/** Without data, and after a bidirectional command, the status needs a PDU of its own (RFC 7143 §11.7.3). */
function finish(task: TaskState, end: number): void {
  if (end === 0 || task.writeLength > 0) sendStatus(task, GOOD);
}

/**
 * Writes the header of the PDU that begins at `at`; returns where its data ends. F at the end of each burst (RFC 7143
 * §13.13).
 */
function sendHeader(task: TaskState, at: number, end: number): number {
  const { sender } = task;
  const burst = task.parameters.maxBurstLength & UNIT_MASK;
  const burstEnd = at - (at % burst) + burst;
  const next = Math.min(end, burstEnd, at + (sender.maxDataSegmentLength & UNIT_MASK));
  const last = next === end && task.writeLength === 0;
  header.final = next === end || next === burstEnd;
  header.hasStatus = last;
  header.statSN = last ? sender.nextStatSN() : 0;
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
  sender.outbox.pdu(writeDataIn, header);
  return next;
}
