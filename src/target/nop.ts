import { dataSegmentLength, initiatorTaskTag } from '../pdu/bhs.ts';
import { writeNopIn } from '../pdu/nop-in.ts';
import { checkNopOut } from '../pdu/nop-out.ts';
import { targetTransferTag } from '../pdu/numbers.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { takeInOrder } from './in-order.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';

/** A NOP-Out has begun: ping data is kept for the answer. */
export function beginNopOut(c: TargetConnection, _s: TargetSession, view: DataView, at: number): void {
  checkNopOut(view, at);
  if (initiatorTaskTag(view, at) !== RESERVED_TAG && dataSegmentLength(view, at) > 0) c.sink = c.gather;
}

/** A NOP-Out is complete: a ping is answered in its turn; an answer to our ping has served its purpose by coming (RFC 7143 §11.18). */
export function endNopOut(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  const data = c.gather.release();
  const tag = initiatorTaskTag(view, at);
  if (tag === RESERVED_TAG) {
    const answered = targetTransferTag(view, at);
    if (answered === RESERVED_TAG) return;
    if (answered === c.pingTag) c.pingTag = RESERVED_TAG;
    else c.reject(REJECT_REASONS.INVALID_PDU_FIELD, view, at);
    return;
  }
  takeInOrder(s, view, at, () => answerPing(c, s, tag, data));
}

/** Sends a NOP-In of our own: a ping when `tag` is not reserved, otherwise only news of the command window (RFC 7143 §11.19). */
export function sendNopIn(c: TargetConnection, s: TargetSession, tag: number): void {
  c.outbox.pdu(writeNopIn, {
    dataSegmentLength: 0,
    lunHigh: 0,
    lunLow: 0,
    initiatorTaskTag: RESERVED_TAG,
    targetTransferTag: tag,
    statSN: c.statSN, // shown, not used up
    expCmdSN: s.window.expCmdSN,
    maxCmdSN: s.window.maxCmdSN,
  });
  c.wake();
}

/** Echoes as much of the ping data as the initiator takes in one PDU. */
function answerPing(c: TargetConnection, s: TargetSession, tag: number, data: Uint8Array): void {
  const length = Math.min(data.length, c.maxSendDataSegmentLength);
  c.outbox.pdu(writeNopIn, {
    dataSegmentLength: length,
    lunHigh: 0,
    lunLow: 0,
    initiatorTaskTag: tag,
    targetTransferTag: RESERVED_TAG,
    statSN: c.nextStatSN(),
    expCmdSN: s.window.expCmdSN,
    maxCmdSN: s.window.maxCmdSN,
  });
  c.outbox.data(data, 0, length);
  c.wake();
}
