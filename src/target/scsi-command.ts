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
import { POSITION } from './command-window.ts';
import { collect, fail, reserve } from './data-out.ts';
import { DATA_FAILURES } from './sense.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';
import { PHASE, type TargetTask } from './target-task.ts';

/** A SCSI Command has begun: makes a task of it, or decides that there will be none. Hot path. */
export function beginScsiCommand(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  checkScsiCommand(view, at);
  c.command = undefined;
  c.commandReason = 0;
  const tag = initiatorTaskTag(view, at);
  const isImmediate = immediate(view, at);
  // A duplicate, or a command that the window does not allow, is dropped without a word (RFC 7143 §4.2.2.1).
  if (!isImmediate && s.window.position(cmdSN(view, at)) === POSITION.OUTSIDE) return;
  if (s.tasks.get(tag) !== undefined) {
    c.commandReason = REJECT_REASONS.TASK_IN_PROGRESS;
    return;
  }
  if (isImmediate && s.immediateTasks >= c.limits.immediateCommands) {
    c.commandReason = REJECT_REASONS.TOO_MANY_IMMEDIATE_COMMANDS;
    return;
  }

  const task = s.takeTask(c);
  task.initiatorTaskTag = tag;
  task.lunHigh = lunHigh(view, at);
  task.lunLow = lunLow(view, at);
  task.attribute = scsiCommandAttribute(view, at);
  task.immediate = isImmediate;
  task.cmdSN = cmdSN(view, at);
  task.setCdb(view, scsiCommandCdbAt(at));
  if (totalAhsLength(view, at) > 0) readAhs(task, view, at);
  else if (scsiCommandRead(view, at)) task.readLength = scsiCommandExpectedDataTransferLength(view, at);
  c.command = task;
  if (scsiCommandWrite(view, at) || dataSegmentLength(view, at) > 0) beginWrite(c, s, task, view, at);
  else task.dataOutWanted = task.readLength > 0 ? 0 : wantedDataOut(s, task);
}

/** A SCSI Command is complete: it becomes a task in its turn. */
export function endScsiCommand(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  const task = c.command;
  c.command = undefined;
  if (c.commandReason !== 0) c.reject(c.commandReason, view, at);
  if (task === undefined) return;
  s.tasks.add(task);
  if (c.recentlyAborted.size > 0) c.recentlyAborted.delete(task.initiatorTaskTag);
  if (task.immediate) {
    s.immediateTasks++;
    deliver(s, task);
    return;
  }
  const { window } = s;
  if (task.cmdSN === window.expCmdSN) {
    window.advance();
    deliver(s, task);
    window.deliverEarly();
    return;
  }
  task.phase = PHASE.HELD;
  const { cmdSN: number, initiatorTaskTag: tag } = task;
  window.hold(number, () => {
    // The object may have been aborted, and serve another command, since.
    const isStill = task.phase === PHASE.HELD && task.cmdSN === number && task.initiatorTaskTag === tag;
    if (isStill) deliver(s, task);
  });
}

/** A SCSI Command whose immediate data is damaged: as if it had not come. Its CmdSN is not used up (RFC 7143 §7.3). */
export function discardScsiCommand(c: TargetConnection, s: TargetSession): void {
  const task = c.command;
  c.command = undefined;
  if (task === undefined) return;
  c.rememberAborted(task.initiatorTaskTag); // its unsolicited Data-Out may follow
  s.releaseTask(task);
}

/** Everything before it was received: the task joins the others of its logical unit. */
function deliver(s: TargetSession, task: TargetTask): void {
  const taskSet = s.taskSetOf(task.lunHigh, task.lunLow);
  task.taskSet = taskSet;
  task.enabled = taskSet === undefined || taskSet.enter(task);
  if (task.writeLength > 0) collect(task);
  else task.ready();
}

function readAhs(task: TargetTask, view: DataView, at: number): void {
  checkAhs(view, at);
  task.setLongCdb(viewOf(readExtendedCdb(view, at)));
  if (!scsiCommandRead(view, at)) return;
  const both = scsiCommandWrite(view, at) ? readBidirectionalReadLength(view, at) : undefined;
  task.readLength = both ?? scsiCommandExpectedDataTransferLength(view, at);
}

function wantedDataOut(s: TargetSession, task: TargetTask): number {
  return s.device?.dataOutLength(task.lunHigh, task.lunLow, task.cdb, task.cdbLength) ?? 0;
}

/** Judges the data that comes unasked (RFC 7143 §13.10, §13.11, §13.14), and makes room for what of it is wanted. */
function beginWrite(c: TargetConnection, s: TargetSession, task: TargetTask, view: DataView, at: number): void {
  const { parameters } = s;
  const isWrite = scsiCommandWrite(view, at);
  const length = dataSegmentLength(view, at);
  task.writeLength = isWrite ? scsiCommandExpectedDataTransferLength(view, at) : 0;
  task.dataOutWanted = wantedDataOut(s, task);
  task.dataOutLength = Math.min(task.writeLength, task.dataOutWanted);
  task.unsolicitedOpen = isWrite && !scsiCommandFinal(view, at);
  task.nextOffset = length;

  const unexpected = (length > 0 && !parameters.immediateData) || (task.unsolicitedOpen && parameters.initialR2T);
  if (unexpected) fail(task, DATA_FAILURES.UNEXPECTED_UNSOLICITED_DATA);
  if (length > Math.min(parameters.firstBurstLength, task.writeLength))
    fail(task, DATA_FAILURES.INCORRECT_AMOUNT_OF_DATA);
  if (length === 0 && !task.unsolicitedOpen) return;

  const unsolicited = task.unsolicitedOpen ? parameters.firstBurstLength : length;
  reserve(task, Math.min(task.dataOutLength, unsolicited));
  if (length > 0) c.sink = c.dataOutSink.aim(task, 0);
}
