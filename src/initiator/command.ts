import { viewOf } from '../bytes/hex.ts';
import { extendedCdbAhsLength, writeBidirectionalReadLengthAhs, writeExtendedCdbAhs } from '../pdu/ahs.ts';
import type { Outbox } from '../pdu/outbox.ts';
import { type ScsiCommand, writeScsiCommand } from '../pdu/scsi-command.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { CommandRules } from './connection-rules.ts';
import { sendDataOut } from './data-out.ts';
import type { InitiatorTask } from './initiator-task.ts';

const BIDIRECTIONAL_AHS_LENGTH = 8;

const header: { -readonly [K in keyof ScsiCommand]: ScsiCommand[K] } = {
  immediate: false,
  final: true,
  read: false,
  write: false,
  attribute: 0,
  totalAhsLength: 0,
  dataSegmentLength: 0,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 0,
  expectedDataTransferLength: 0,
  cmdSN: 0,
  expStatSN: 0,
  cdb: new DataView(new ArrayBuffer(16)),
};

/**
 * Sends a SCSI Command with its immediate data and the unsolicited Data-Out PDUs that follow it (RFC 7143 §11.3,
 * §4.2.5.2).
 *
 * Immediate data is at most FirstBurstLength and the target's MaxRecvDataSegmentLength. With F=0 the unsolicited total
 * is exactly the lesser of FirstBurstLength and the Expected Data Transfer Length. Hot path: nothing is allocated
 * without AHS.
 */
export function sendCommand(outbox: Outbox, rules: CommandRules, task: InitiatorTask): void {
  const toSend = task.dataOut.length;
  const burst = Math.min(toSend, rules.firstBurstLength);
  const immediate = rules.immediateData ? Math.min(burst, rules.maxSendDataSegmentLength) : 0;
  const unsolicited = rules.initialR2T ? 0 : burst - immediate;
  const ahs = additionalHeaders(task);

  header.final = unsolicited === 0;
  header.read = task.dataIn.length > 0;
  header.write = toSend > 0;
  header.attribute = task.attribute;
  header.totalAhsLength = ahs === undefined ? 0 : ahs.length / 4;
  header.dataSegmentLength = immediate;
  header.lunHigh = task.lunHigh;
  header.lunLow = task.lunLow;
  header.initiatorTaskTag = task.initiatorTaskTag;
  header.expectedDataTransferLength = task.expectedDataTransferLength;
  header.cmdSN = task.cmdSN;
  header.expStatSN = rules.expStatSN;
  header.cdb = task.cdb;
  outbox.pdu(writeScsiCommand, header, ahs);
  if (immediate > 0) {
    outbox.data(task.dataOut, 0, immediate);
    task.sent = immediate;
    task.sentEnd = outbox.position;
  }
  if (unsolicited > 0) {
    // The LUN of an unsolicited Data-Out is reserved (RFC 7143 §11.7).
    sendDataOut(outbox, rules, task, {
      targetTransferTag: RESERVED_TAG,
      lunHigh: 0,
      lunLow: 0,
      offset: immediate,
      length: unsolicited,
    });
  }
}

/** The AHS area of a command that needs one: a CDB over 16 bytes, or both directions at once (RFC 7143 §11.2.2). */
function additionalHeaders(task: InitiatorTask): Uint8Array | undefined {
  const { longCdb } = task;
  const bidirectional = task.dataIn.length > 0 && task.dataOut.length > 0;
  if (longCdb === undefined && !bidirectional) return undefined;
  const cdbLength = longCdb === undefined ? 0 : extendedCdbAhsLength(longCdb.length);
  const ahs = new Uint8Array(cdbLength + (bidirectional ? BIDIRECTIONAL_AHS_LENGTH : 0));
  const view = viewOf(ahs);
  if (longCdb !== undefined) writeExtendedCdbAhs(view, 0, longCdb);
  if (bidirectional) writeBidirectionalReadLengthAhs(view, cdbLength, task.dataIn.length);
  return ahs;
}
