import { BHS_LENGTH, totalAhsLength } from '../pdu/bhs.ts';
import { writeReject } from '../pdu/reject.ts';
import type { Sender } from './sender.ts';

/**
 * Answers the PDU whose header is at `at` with a Reject that holds that header, AHS included (RFC 7143 §11.17). It uses
 * up a StatSN, and never ends a task.
 */
export function sendReject(sender: Sender, reason: number, view: DataView, at: number): void {
  const length = BHS_LENGTH + totalAhsLength(view, at);
  const bad = new Uint8Array(length);
  bad.set(new Uint8Array(view.buffer, view.byteOffset + at, length));
  const { expCmdSN, maxCmdSN } = sender;
  const statSN = sender.nextStatSN();
  // DataSN is for a SNACK that is rejected with reason 0x04 only, which is never done here.
  sender.outbox.pdu(writeReject, { reason, dataSegmentLength: length, statSN, expCmdSN, maxCmdSN, dataSN: 0 });
  sender.outbox.data(bad, 0, length);
  sender.wake();
}
