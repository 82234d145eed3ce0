import { writeNopIn } from '../pdu/nop-in.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { Sender } from './sender.ts';

/**
 * Sends a NOP-In of our own: a ping when `tag` is not reserved, otherwise only news of the command window (RFC 7143
 * §11.19).
 */
export function sendNopIn(sender: Sender, tag: number): void {
  sender.outbox.pdu(writeNopIn, {
    dataSegmentLength: 0,
    lunHigh: 0,
    lunLow: 0,
    initiatorTaskTag: RESERVED_TAG,
    targetTransferTag: tag,
    statSN: sender.statSN, // shown, not used up
    expCmdSN: sender.expCmdSN,
    maxCmdSN: sender.maxCmdSN,
  });
  sender.wake();
}

/** Answers a ping with as much of its data as the initiator takes in one PDU. */
export function sendPingAnswer(sender: Sender, tag: number, data: Uint8Array): void {
  const length = Math.min(data.length, sender.maxDataSegmentLength);
  sender.outbox.pdu(writeNopIn, {
    dataSegmentLength: length,
    lunHigh: 0,
    lunLow: 0,
    initiatorTaskTag: tag,
    targetTransferTag: RESERVED_TAG,
    statSN: sender.nextStatSN(),
    expCmdSN: sender.expCmdSN,
    maxCmdSN: sender.maxCmdSN,
  });
  sender.outbox.data(data, 0, length);
  sender.wake();
}
