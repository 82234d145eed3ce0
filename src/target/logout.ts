import { initiatorTaskTag } from '../pdu/bhs.ts';
import { checkLogoutRequest, readLogoutRequest } from '../pdu/logout-request.ts';
import { writeLogoutResponse } from '../pdu/logout-response.ts';
import { LOGOUT_REASONS, LOGOUT_RESPONSES } from '../spec/iscsi-logout.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { takeInOrder } from './in-order.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';

/** A Logout Request has begun. */
export function beginLogout(_c: TargetConnection, _s: TargetSession, view: DataView, at: number): void {
  checkLogoutRequest(view, at);
}

/** A Logout Request is complete (RFC 7143 §11.14). */
export function endLogout(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  const { reason, cid } = readLogoutRequest(view, at);
  if (s.identity.discovery && reason !== LOGOUT_REASONS.CLOSE_SESSION) {
    c.reject(REJECT_REASONS.COMMAND_NOT_SUPPORTED, view, at); // RFC 7143 §4.3
    return;
  }
  const tag = initiatorTaskTag(view, at);
  takeInOrder(s, view, at, () => logOut(c, s, tag, reason, cid));
}

function logOut(c: TargetConnection, s: TargetSession, tag: number, reason: number, cid: number): void {
  if (reason === LOGOUT_REASONS.REMOVE_CONNECTION_FOR_RECOVERY) {
    respond(c, s, tag, LOGOUT_RESPONSES.RECOVERY_NOT_SUPPORTED); // ErrorRecoveryLevel 2 only
    return;
  }
  if (reason === LOGOUT_REASONS.CLOSE_CONNECTION && cid !== c.cid) {
    respond(c, s, tag, LOGOUT_RESPONSES.CID_NOT_FOUND);
    return;
  }
  // A session of one connection ends with it, so both reasons come to the same.
  respond(c, s, tag, LOGOUT_RESPONSES.CLOSED);
  s.close();
}

function respond(c: TargetConnection, s: TargetSession, tag: number, response: number): void {
  const known = response !== LOGOUT_RESPONSES.CID_NOT_FOUND;
  c.outbox.pdu(writeLogoutResponse, {
    response,
    initiatorTaskTag: tag,
    statSN: c.nextStatSN(),
    expCmdSN: s.window.expCmdSN,
    maxCmdSN: s.window.maxCmdSN,
    time2Wait: known ? s.parameters.defaultTime2Wait : 0,
    time2Retain: 0, // nothing is kept at ErrorRecoveryLevel 0
  });
  c.wake();
}
