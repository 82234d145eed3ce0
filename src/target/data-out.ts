import { copyBytes } from '../bytes/copy.ts';
import { dataSegmentLength, initiatorTaskTag, lunHigh, lunLow } from '../pdu/bhs.ts';
import {
  checkDataOut,
  dataOutBufferOffset,
  dataOutDataSN,
  dataOutFinal,
  dataOutTargetTransferTag,
} from '../pdu/data-out.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import type { Sink } from './gather.ts';
import { sendR2T } from './r2t.ts';
import { DATA_FAILURES } from './sense.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';
import { PHASE, type Sequence, type TargetTask } from './target-task.ts';

/** Puts the data of one PDU where it belongs in its task's buffer. What lies beyond that buffer is dropped. */
export class DataOutSink implements Sink {
  #task: TargetTask | undefined = undefined;
  #at = 0;

  /** Aims at byte `at` of what `task` writes. */
  aim(task: TargetTask, at: number): this {
    this.#task = task;
    this.#at = at;
    return this;
  }

  take(bytes: Uint8Array, from: number, to: number): void {
    const task = this.#task;
    if (task === undefined) return;
    const end = Math.min(to, from + Math.max(0, task.capacity - this.#at));
    if (end > from) copyBytes(bytes, from, end, task.buffer, this.#at);
    this.#at += to - from;
  }
}

/** What the header of the Data-Out under way said. */
export interface DataOutUnderWay {
  task: TargetTask | undefined;
  /** The R2T that it answers; undefined for unsolicited data. */
  sequence: Sequence | undefined;
  /** What is wrong with it: a reason for a Reject, 0 for nothing. */
  reason: number;
}

/** A Data-Out has begun: finds its task, and a place for its data. */
export function beginDataOut(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  checkDataOut(view, at);
  const underWay = c.dataOut;
  const tag = dataOutTargetTransferTag(view, at);
  const task = s.tasks.get(initiatorTaskTag(view, at));
  underWay.task = task;
  underWay.sequence = undefined;
  underWay.reason = 0;
  if (task === undefined || !takesData(task)) {
    underWay.task = undefined;
    // A task that was aborted may still have data under way: dropped without a word (RFC 7143 §10.7).
    if (!c.recentlyAborted.has(initiatorTaskTag(view, at))) underWay.reason = REJECT_REASONS.INVALID_PDU_FIELD;
    return;
  }
  underWay.reason = tag === RESERVED_TAG ? beginUnsolicited(task, view, at) : beginSolicited(underWay, task, view, at);
  if (underWay.reason === 0) c.sink = c.dataOutSink.aim(task, dataOutBufferOffset(view, at));
}

/** A Data-Out is complete. `digestOk` is false when its data is damaged: a Reject has said so already. */
export function endDataOut(c: TargetConnection, s: TargetSession, view: DataView, at: number, digestOk: boolean): void {
  const { task, sequence, reason } = c.dataOut;
  if (reason !== 0 && digestOk) c.reject(reason, view, at);
  if (task === undefined || !takesData(task)) return; // its task may have been aborted meanwhile
  if (reason !== 0) fail(task, DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
  if (!digestOk) fail(task, DATA_FAILURES.PROTOCOL_SERVICE_CRC_ERROR);

  const length = dataSegmentLength(view, at);
  const isFinal = dataOutFinal(view, at);
  if (dataOutTargetTransferTag(view, at) === RESERVED_TAG) endUnsolicited(task, length, isFinal);
  else if (sequence !== undefined) endSolicited(task, sequence, reason === 0 ? length : 0, isFinal);
  if (!isFinal) return;
  if (task.phase === PHASE.DRAINING) {
    if (!awaitsData(task)) s.forget(task);
  } else if (task.phase === PHASE.COLLECTING) {
    collect(task);
  }
}

/** Goes on with a task that takes data: asks for more of it, or runs the task when all is here. */
export function collect(task: TargetTask): void {
  task.phase = PHASE.COLLECTING;
  if (task.unsolicitedOpen) return;
  if (task.failure === 0 && task.nextOffset < task.dataOutLength) {
    if (task.granted || task.connection.budget.request(task)) askForData(task);
    return;
  }
  // Nobody is answered, not even with an error, before the data that was asked for has come (RFC 7143 §11.4.2).
  if (task.sequences.length === 0) task.ready();
}

function takesData({ phase }: TargetTask): boolean {
  return phase === PHASE.COLLECTING || phase === PHASE.DRAINING || phase === PHASE.HELD;
}

/** Whether the initiator owes data to a task. */
export function awaitsData(task: TargetTask): boolean {
  return task.unsolicitedOpen || task.sequences.length > 0;
}

/** Notes the first thing that was wrong with a task's data. */
export function fail(task: TargetTask, failure: number): void {
  if (task.failure === 0) task.failure = failure;
}

/** Makes room for the first `capacity` bytes of a task's data; what is in its buffer already stays. */
export function reserve(task: TargetTask, capacity: number): void {
  if (capacity <= task.capacity) return;
  const { buffers } = task.session;
  const larger = buffers.take(capacity);
  if (task.capacity > 0) {
    copyBytes(task.buffer, 0, task.capacity, larger, 0);
    buffers.give(task.buffer);
  }
  task.buffer = larger;
  task.capacity = capacity;
}

function askForData(task: TargetTask): void {
  const { parameters } = task.session;
  reserve(task, task.dataOutLength);
  while (task.sequences.length < parameters.maxOutstandingR2T && task.nextOffset < task.dataOutLength) {
    const length = Math.min(parameters.maxBurstLength, task.dataOutLength - task.nextOffset);
    const targetTransferTag = task.connection.nextTransferTag();
    task.sequences.push({ targetTransferTag, end: task.nextOffset + length, next: task.nextOffset, dataSN: 0 });
    sendR2T(task, targetTransferTag, task.nextOffset, length);
    task.nextOffset += length;
  }
}

function beginUnsolicited(task: TargetTask, view: DataView, at: number): number {
  if (!task.unsolicitedOpen) {
    fail(task, DATA_FAILURES.UNEXPECTED_UNSOLICITED_DATA);
    return REJECT_REASONS.INVALID_PDU_FIELD;
  }
  const inOrder =
    dataOutBufferOffset(view, at) === task.nextOffset && dataOutDataSN(view, at) === task.unsolicitedDataSN;
  return inOrder ? 0 : REJECT_REASONS.INVALID_PDU_FIELD;
}

function beginSolicited(underWay: DataOutUnderWay, task: TargetTask, view: DataView, at: number): number {
  const tag = dataOutTargetTransferTag(view, at);
  const sequence = task.sequences.find((one) => one.targetTransferTag === tag);
  if (sequence === undefined) {
    underWay.task = undefined; // not an answer to anything: the task goes on waiting for its own
    return REJECT_REASONS.INVALID_PDU_FIELD;
  }
  underWay.sequence = sequence;
  if (lunHigh(view, at) !== task.lunHigh || lunLow(view, at) !== task.lunLow) return REJECT_REASONS.INVALID_PDU_FIELD;
  const inOrder = dataOutBufferOffset(view, at) === sequence.next && dataOutDataSN(view, at) === sequence.dataSN;
  const fits = sequence.next + dataSegmentLength(view, at) <= sequence.end;
  return inOrder && fits ? 0 : REJECT_REASONS.INVALID_PDU_FIELD;
}

function endUnsolicited(task: TargetTask, length: number, isFinal: boolean): void {
  if (!task.unsolicitedOpen) return;
  task.unsolicitedDataSN++;
  task.nextOffset += length;
  if (!isFinal) return;
  task.unsolicitedOpen = false;
  // With F=0 in the command the total must be exactly this (RFC 7143 §11.3.4, §11.4.7.2).
  const total = Math.min(task.session.parameters.firstBurstLength, task.writeLength);
  if (task.nextOffset !== total) fail(task, DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
}

function endSolicited(task: TargetTask, sequence: Sequence, length: number, isFinal: boolean): void {
  sequence.next += length;
  sequence.dataSN++;
  if (!isFinal) return;
  if (sequence.next !== sequence.end) fail(task, DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
  task.sequences.splice(task.sequences.indexOf(sequence), 1);
}
