import { BHS_LENGTH, totalAhsLength } from '../pdu/bhs.ts';
import { writeReject } from '../pdu/reject.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Answers the PDU whose header is at `at` with a Reject that holds that header, AHS included (RFC 7143 §11.17). It uses up a StatSN, and never ends a task.
 * @param dataSN Only for a Data/R2T SNACK that is rejected with reason 0x04: the next number that would be sent.
 */
export function sendReject(
  c: TargetConnection,
  s: TargetSession,
  reason: number,
  view: DataView,
  at: number,
  dataSN = 0,
): void {
  const length = BHS_LENGTH + totalAhsLength(view, at);
  const bad = new Uint8Array(length);
  bad.set(new Uint8Array(view.buffer, view.byteOffset + at, length));
  const statSN = c.nextStatSN();
  const { expCmdSN, maxCmdSN } = s.window;
  c.outbox.pdu(writeReject, { reason, dataSegmentLength: length, statSN, expCmdSN, maxCmdSN, dataSN });
  c.outbox.data(bad, 0, length);
  c.wake();
}
