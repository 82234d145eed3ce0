import { viewOf } from '../bytes/hex.ts';
import { checkAhs, readBidirectionalReadLength, readExtendedCdb } from '../pdu/ahs.ts';
import { dataSegmentLength, immediate, initiatorTaskTag, lunHigh, lunLow, totalAhsLength } from '../pdu/bhs.ts';
import { cmdSN } from '../pdu/numbers.ts';
import {
  checkScsiCommand,
  scsiCommandAttribute,
  scsiCommandCdbAt,
  scsiCommandExpectedDataTransferLength,
  scsiCommandFinal,
  scsiCommandRead,
  scsiCommandWrite,
} from '../pdu/scsi-command.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import type { AbortedTags } from './aborted-tags.ts';
import { POSITION } from './command-window.ts';
import type { DataCollector } from './data-collector.ts';
import { DataSink } from './data-sink.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';
import { DATA_FAILURES } from './sense.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask, TaskConnection } from './target-task.ts';
import { PHASE, type TaskState } from './task-state.ts';

/** What commands need of their connection. */
export interface ScsiCommandOptions {
  readonly session: TargetSession;
  readonly connection: TaskConnection;
  readonly collector: DataCollector;
  readonly abortedTags: AbortedTags;
  /** How many immediate commands may be outstanding; more are rejected. */
  readonly immediateCommands: number;
}

/** SCSI Command (RFC 7143 §11.3): makes a task of it, or decides that there will be none. Hot path. */
export class ScsiCommandHandler extends FullFeatureHandler {
  readonly #session: TargetSession;
  readonly #connection: TaskConnection;
  readonly #collector: DataCollector;
  readonly #abortedTags: AbortedTags;
  readonly #immediateLimit: number;
  readonly #sink = new DataSink();
  /** The command whose PDU is under way. */
  #task: TargetTask | undefined = undefined;
  /** Why it is rejected; 0 when it is not. */
  #reason = 0;

  constructor(options: ScsiCommandOptions) {
    super(options.connection.sender);
    this.#session = options.session;
    this.#connection = options.connection;
    this.#collector = options.collector;
    this.#abortedTags = options.abortedTags;
    this.#immediateLimit = options.immediateCommands;
  }

  override begin(view: DataView, at: number): void {
    checkScsiCommand(view, at);
    this.#task = undefined;
    this.#sink.drop();
    const session = this.#session;
    const isImmediate = immediate(view, at);
    const number = cmdSN(view, at);
    this.#reason = 0;
    // A duplicate, or a command that the window does not allow, is dropped without a word (RFC 7143 §4.2.2.1).
    if (!isImmediate && session.window.position(number) === POSITION.OUTSIDE) return;
    this.#reason = this.#refusal(initiatorTaskTag(view, at), isImmediate);
    if (this.#reason !== 0) return;

    const task = session.takeTask(this.#connection);
    task.initiatorTaskTag = initiatorTaskTag(view, at);
    task.lunHigh = lunHigh(view, at);
    task.lunLow = lunLow(view, at);
    task.attribute = scsiCommandAttribute(view, at);
    task.immediate = isImmediate;
    task.cmdSN = number;
    task.setCdb(view, scsiCommandCdbAt(at));
    if (totalAhsLength(view, at) > 0) readAhs(task, view, at);
    else if (scsiCommandRead(view, at)) task.readLength = scsiCommandExpectedDataTransferLength(view, at);
    this.#task = task;
    if (scsiCommandWrite(view, at) || dataSegmentLength(view, at) > 0) this.#beginWrite(task, view, at);
    else task.dataOutWanted = task.readLength > 0 ? 0 : this.#wantedDataOut(task);
  }

  override take(bytes: Uint8Array, from: number, to: number): void {
    this.#sink.take(bytes, from, to);
  }

  /** The command becomes a task in its turn. */
  end(view: DataView, at: number): void {
    const task = this.#task;
    this.#task = undefined;
    if (this.#reason !== 0) sendReject(this.sender, this.#reason, view, at);
    if (task === undefined) return;
    const session = this.#session;
    session.tasks.add(task);
    this.#abortedTags.delete(task.initiatorTaskTag);
    if (task.immediate) {
      session.immediateTasks++;
      this.#deliver(task);
      return;
    }
    const { window } = session;
    if (task.cmdSN === window.expCmdSN) {
      window.advance();
      this.#deliver(task);
      window.deliverEarly();
    } else {
      this.#hold(task);
    }
  }

  /** As if it had not come: its CmdSN is not used up (RFC 7143 §7.3). Its unsolicited Data-Out may follow. */
  override discard(view: DataView, at: number): void {
    super.discard(view, at);
    if (this.#task !== undefined) this.#abortedTags.add(this.#task.initiatorTaskTag);
    this.close();
  }

  override close(): void {
    const task = this.#task;
    this.#task = undefined;
    if (task !== undefined) this.#session.releaseTask(task);
  }

  /** A reason for a Reject, or 0. */
  #refusal(tag: number, isImmediate: boolean): number {
    const session = this.#session;
    if (session.tasks.get(tag) !== undefined) return REJECT_REASONS.TASK_IN_PROGRESS;
    const tooMany = isImmediate && session.immediateTasks >= this.#immediateLimit;
    return tooMany ? REJECT_REASONS.TOO_MANY_IMMEDIATE_COMMANDS : 0;
  }

  /** Everything before it was received: the task takes its place behind those that came before. */
  #deliver(task: TargetTask): void {
    this.#session.arrive(task);
    if (task.writeLength > 0) this.#collector.collect(task);
    else task.ready();
  }

  #hold(task: TargetTask): void {
    task.phase = PHASE.HELD;
    const { cmdSN: number, initiatorTaskTag: tag } = task;
    this.#session.window.hold(number, () => {
      // The object may have been aborted, and serve another command, since.
      const isStill = task.phase === PHASE.HELD && task.cmdSN === number && task.initiatorTaskTag === tag;
      if (isStill) this.#deliver(task);
    });
  }

  /** Judges the data that comes unasked (RFC 7143 §13.10, §13.11, §13.14), and makes room for what of it is wanted. */
  #beginWrite(task: TargetTask, view: DataView, at: number): void {
    const { immediateData, initialR2T, firstBurstLength } = task.parameters;
    const isWrite = scsiCommandWrite(view, at);
    const length = dataSegmentLength(view, at);
    task.writeLength = isWrite ? scsiCommandExpectedDataTransferLength(view, at) : 0;
    task.dataOutWanted = this.#wantedDataOut(task);
    task.dataOutLength = Math.min(task.writeLength, task.dataOutWanted);
    task.unsolicitedOpen = isWrite && !scsiCommandFinal(view, at);
    task.nextOffset = length;

    const unexpected = (length > 0 && !immediateData) || (task.unsolicitedOpen && initialR2T);
    if (unexpected) task.noteFailure(DATA_FAILURES.UNEXPECTED_UNSOLICITED_DATA);
    if (length > Math.min(firstBurstLength, task.writeLength)) {
      task.noteFailure(DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
    }
    if (length === 0 && !task.unsolicitedOpen) return;

    const unsolicited = task.unsolicitedOpen ? firstBurstLength : length;
    this.#collector.reserveUnsolicited(task, Math.min(task.dataOutLength, unsolicited));
    if (length > 0) this.#sink.aim(task, 0);
  }

  #wantedDataOut(task: TaskState): number {
    return this.#session.device?.dataOutLength(task.lunHigh, task.lunLow, task.cdb, task.cdbLength) ?? 0;
  }
}

function readAhs(task: TaskState, view: DataView, at: number): void {
  checkAhs(view, at);
  task.setLongCdb(viewOf(readExtendedCdb(view, at)));
  if (!scsiCommandRead(view, at)) return;
  const both = scsiCommandWrite(view, at) ? readBidirectionalReadLength(view, at) : undefined;
  task.readLength = both ?? scsiCommandExpectedDataTransferLength(view, at);
}
