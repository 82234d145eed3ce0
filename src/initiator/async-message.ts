import { IscsiError } from '../errors.ts';
import { checkAsyncMessage, readAsyncMessage } from '../pdu/async-message.ts';
import { readSenseSegment } from '../pdu/sense-segment.ts';
import { ASYNC_EVENTS } from '../spec/iscsi-async-events.ts';
import type { InitiatorConnection } from './connection.ts';
import { logoutAsked } from './session-errors.ts';
import type { SessionState } from './session-state.ts';

/** What the target says unasked (RFC 7143 §11.9). Events that are not known are reported and otherwise ignored. */
export function onAsyncMessage(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkAsyncMessage(v, at);
  const pdu = readAsyncMessage(v, at);
  c.acknowledge(pdu.statSN);
  c.countUnasked();
  const scsi = pdu.asyncEvent === ASYNC_EVENTS.SCSI_EVENT && c.sink.length > 0;
  s.announce({
    asyncEvent: pdu.asyncEvent,
    asyncVCode: pdu.asyncVCode,
    parameters: [pdu.parameter1, pdu.parameter2, pdu.parameter3],
    sense: scsi ? readSenseSegment(c.sink).sense : undefined,
  });
  switch (pdu.asyncEvent) {
    case ASYNC_EVENTS.LOGOUT_REQUEST:
      s.logout(s.now() + Math.max(1, pdu.parameter3) * 1000, logoutAsked());
      break;
    case ASYNC_EVENTS.CONNECTION_DROP:
    case ASYNC_EVENTS.SESSION_DROP:
      s.time2Wait = pdu.parameter2;
      throw new IscsiError('ISCSI_CONNECTION_LOST', 'The target announced that it drops the connection', {
        hint: `it asks to wait ${pdu.parameter2} s before connecting again`,
      });
    case ASYNC_EVENTS.NEGOTIATION_REQUEST:
      // An empty Text Request lets the target make its proposals (RFC 7143 §11.9.1); it changes nothing that we have
      // not agreed to. One that is under way already does as well.
      if (!s.textUnderWay) s.inviteProposals(s.now() + Math.max(1, pdu.parameter3) * 1000);
      break;
    default:
      break;
  }
}
