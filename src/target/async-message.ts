import { writeAsyncMessage } from '../pdu/async-message.ts';
import { ASYNC_EVENTS } from '../spec/iscsi-async-events.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';

/** Says that all connections of the session will be dropped, and that nothing is kept of it (RFC 7143 §11.9.1). Not for Discovery sessions (§4.3). */
export function sendSessionDrop(c: TargetConnection, s: TargetSession): void {
  if (s.identity.discovery) return;
  c.outbox.pdu(writeAsyncMessage, {
    dataSegmentLength: 0,
    lunHigh: 0,
    lunLow: 0,
    statSN: c.nextStatSN(),
    expCmdSN: s.window.expCmdSN,
    maxCmdSN: s.window.maxCmdSN,
    asyncEvent: ASYNC_EVENTS.SESSION_DROP,
    asyncVCode: 0,
    parameter1: 0,
    parameter2: s.parameters.defaultTime2Wait,
    parameter3: 0,
  });
  c.wake();
}
