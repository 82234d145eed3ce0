import type { OperationalParameters } from '../login/parameters.ts';
import { writeAsyncMessage } from '../pdu/async-message.ts';
import { ASYNC_EVENTS } from '../spec/iscsi-async-events.ts';
import type { Sender } from './sender.ts';

/**
 * Says that all connections of the session will be dropped, and that nothing is kept of it (RFC 7143 §11.9.1). Not for
 * Discovery sessions (§4.3).
 */
export function sendSessionDrop(sender: Sender, parameters: OperationalParameters): void {
  sender.outbox.pdu(writeAsyncMessage, {
    dataSegmentLength: 0,
    lunHigh: 0,
    lunLow: 0,
    statSN: sender.nextStatSN(),
    expCmdSN: sender.expCmdSN,
    maxCmdSN: sender.maxCmdSN,
    asyncEvent: ASYNC_EVENTS.SESSION_DROP,
    asyncVCode: 0,
    parameter1: 0,
    parameter2: parameters.defaultTime2Wait,
    parameter3: 0,
  });
  sender.wake();
}
