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
import type { AbortedTags } from './aborted-tags.ts';
import type { DataCollector } from './data-collector.ts';
import { DataSink } from './data-sink.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';
import { DATA_FAILURES } from './sense.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask } from './target-task.ts';
import { PHASE, type Sequence, type TaskState } from './task-state.ts';

/** SCSI Data-Out (RFC 7143 §11.7): finds the task, and a place for the data. */
export class DataOutHandler extends FullFeatureHandler {
  readonly #session: TargetSession;
  readonly #collector: DataCollector;
  readonly #abortedTags: AbortedTags;
  readonly #sink = new DataSink();
  // What the header of the PDU under way said.
  #task: TargetTask | undefined = undefined;
  /** The R2T that it answers; undefined for unsolicited data. */
  #sequence: Sequence | undefined = undefined;
  /** Why it is rejected; 0 when it is not. */
  #reason = 0;
  /** What it says about those before it: one of `DATA_FAILURES`, 0 for nothing. */
  #failure = 0;

  constructor(sender: Sender, session: TargetSession, collector: DataCollector, abortedTags: AbortedTags) {
    super(sender);
    this.#session = session;
    this.#collector = collector;
    this.#abortedTags = abortedTags;
  }

  override begin(view: DataView, at: number): void {
    checkDataOut(view, at);
    const tag = initiatorTaskTag(view, at);
    const task = this.#session.tasks.get(tag);
    this.#sink.drop();
    this.#task = undefined;
    this.#sequence = undefined;
    this.#reason = 0;
    this.#failure = 0;
    if (task === undefined || !task.takesData) {
      if (!this.#abortedTags.has(tag)) this.#reason = REJECT_REASONS.INVALID_PDU_FIELD;
      return;
    }
    this.#task = task;
    if (dataOutTargetTransferTag(view, at) === RESERVED_TAG) this.#judgeUnsolicited(task, view, at);
    else this.#judgeSolicited(task, view, at);
    if (this.#reason === 0 && this.#failure === 0 && task.failure === 0)
      this.#sink.aim(task, dataOutBufferOffset(view, at));
  }

  override take(bytes: Uint8Array, from: number, to: number): void {
    this.#sink.take(bytes, from, to);
  }

  end(view: DataView, at: number): void {
    if (this.#reason !== 0) sendReject(this.sender, this.#reason, view, at);
    this.#goOn(view, at, this.#failure);
  }

  override discard(view: DataView, at: number): void {
    super.discard(view, at);
    this.#goOn(view, at, DATA_FAILURES.PROTOCOL_SERVICE_CRC_ERROR);
  }

  /** The PDU counts, also when it was wrong: its task ends with an error when all its data has come. */
  #goOn(view: DataView, at: number, failure: number): void {
    const task = this.#task;
    if (task === undefined || !task.takesData) return; // its task may have been aborted meanwhile
    if (this.#reason !== 0) task.noteFailure(DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
    if (failure !== 0) task.noteFailure(failure);

    const length = dataSegmentLength(view, at);
    const isFinal = dataOutFinal(view, at);
    const sequence = this.#sequence;
    if (dataOutTargetTransferTag(view, at) === RESERVED_TAG) countUnsolicited(task, length, isFinal);
    else if (sequence !== undefined)
      countSolicited(task, sequence, this.#reason === 0 && this.#failure === 0 ? length : 0, isFinal);
    if (!isFinal) return;
    if (task.phase === PHASE.DRAINING) {
      if (!task.awaitsData) this.#session.forget(task);
    } else if (task.phase === PHASE.COLLECTING) {
      this.#collector.collect(task);
    }
  }

  #judgeUnsolicited(task: TargetTask, view: DataView, at: number): void {
    if (!task.unsolicitedOpen) {
      task.noteFailure(DATA_FAILURES.UNEXPECTED_UNSOLICITED_DATA);
      this.#reason = REJECT_REASONS.INVALID_PDU_FIELD;
    } else {
      this.#judgePlace(task, view, at, task.unsolicitedDataSN, task.nextOffset);
    }
  }

  #judgeSolicited(task: TargetTask, view: DataView, at: number): void {
    const transferTag = dataOutTargetTransferTag(view, at);
    const sequence = task.sequences.find((one) => one.targetTransferTag === transferTag);
    this.#sequence = sequence;
    if (sequence === undefined) {
      this.#task = undefined; // not an answer to anything: the task goes on waiting for its own
      this.#reason = REJECT_REASONS.INVALID_PDU_FIELD;
      return;
    }
    const fits = sequence.next + dataSegmentLength(view, at) <= sequence.end;
    if (!fits || lunHigh(view, at) !== task.lunHigh || lunLow(view, at) !== task.lunLow) {
      this.#reason = REJECT_REASONS.INVALID_PDU_FIELD;
    }
    this.#judgePlace(task, view, at, sequence.dataSN, sequence.next);
  }

  /**
   * A DataSN that is not the next one says that one before it was lost: that is treated as a digest error of that one
   * (RFC 7143 §7.9), which ends the task with a sense of its own (§7.8). This PDU is not to blame, and not rejected.
   */
  #judgePlace(task: TaskState, view: DataView, at: number, dataSN: number, offset: number): void {
    if (dataOutDataSN(view, at) !== dataSN) {
      this.#reason = 0;
      this.#failure = DATA_FAILURES.PROTOCOL_SERVICE_CRC_ERROR;
    } else if (task.failure === 0 && dataOutBufferOffset(view, at) !== offset) {
      this.#reason = REJECT_REASONS.INVALID_PDU_FIELD;
    }
  }
}

function countUnsolicited(task: TaskState, length: number, isFinal: boolean): void {
  if (!task.unsolicitedOpen) return;
  task.unsolicitedDataSN++;
  task.nextOffset += length;
  if (!isFinal) return;
  task.unsolicitedOpen = false;
  // With F=0 in the command the total must be exactly this (RFC 7143 §11.3.4, §11.4.7.2).
  const total = Math.min(task.parameters.firstBurstLength, task.writeLength);
  if (task.nextOffset !== total) task.noteFailure(DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
}

function countSolicited(task: TaskState, sequence: Sequence, length: number, isFinal: boolean): void {
  sequence.next += length;
  sequence.dataSN++;
  if (!isFinal) return;
  if (sequence.next !== sequence.end) task.noteFailure(DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
  task.sequences.splice(task.sequences.indexOf(sequence), 1);
}
