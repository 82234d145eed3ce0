import { initiatorTaskTag } from '../pdu/bhs.ts';
import { checkLogoutRequest, readLogoutRequest } from '../pdu/logout-request.ts';
import { writeLogoutResponse } from '../pdu/logout-response.ts';
import { LOGOUT_REASONS, LOGOUT_RESPONSES } from '../spec/iscsi-logout.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { takeInOrder } from './in-order.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';
import type { TargetSession } from './target-session.ts';

/** Logout Request (RFC 7143 §11.14). */
export class LogoutHandler extends FullFeatureHandler {
  readonly #session: TargetSession;
  /** Connection ID of this connection. */
  readonly #cid: number;

  constructor(sender: Sender, session: TargetSession, cid: number) {
    super(sender);
    this.#session = session;
    this.#cid = cid;
  }

  override begin(view: DataView, at: number): void {
    checkLogoutRequest(view, at);
  }

  end(view: DataView, at: number): void {
    const { reason, cid } = readLogoutRequest(view, at);
    if (this.#session.identity.discovery && reason !== LOGOUT_REASONS.CLOSE_SESSION) {
      sendReject(this.sender, REJECT_REASONS.COMMAND_NOT_SUPPORTED, view, at); // RFC 7143 §4.3
      return;
    }
    const tag = initiatorTaskTag(view, at);
    takeInOrder(this.#session.window, view, at, () => this.#logOut(tag, reason, cid));
  }

  #logOut(tag: number, reason: number, cid: number): void {
    if (reason === LOGOUT_REASONS.REMOVE_CONNECTION_FOR_RECOVERY) {
      this.#respond(tag, LOGOUT_RESPONSES.RECOVERY_NOT_SUPPORTED); // ErrorRecoveryLevel 2 only
      return;
    }
    if (reason === LOGOUT_REASONS.CLOSE_CONNECTION && cid !== this.#cid) {
      this.#respond(tag, LOGOUT_RESPONSES.CID_NOT_FOUND);
      return;
    }
    // A session of one connection ends with it, so both reasons come to the same.
    this.#respond(tag, LOGOUT_RESPONSES.CLOSED);
    this.#session.close();
  }

  #respond(tag: number, response: number): void {
    const { sender } = this;
    const known = response !== LOGOUT_RESPONSES.CID_NOT_FOUND;
    sender.outbox.pdu(writeLogoutResponse, {
      response,
      initiatorTaskTag: tag,
      statSN: sender.nextStatSN(),
      expCmdSN: sender.expCmdSN,
      maxCmdSN: sender.maxCmdSN,
      time2Wait: known ? this.#session.parameters.defaultTime2Wait : 0,
      time2Retain: 0, // nothing is kept at ErrorRecoveryLevel 0
    });
    sender.wake();
  }
}
