import { ProtocolError } from '../errors.ts';
import { opcode } from '../pdu/bhs.ts';
import { opcodeName } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';

/** Takes what no initiator may send in full feature phase, or not in a Discovery session (RFC 7143 §4.3, §11.17.1). */
export class UnsupportedHandler extends FullFeatureHandler {
  end(view: DataView, at: number): void {
    sendReject(this.sender, REJECT_REASONS.COMMAND_NOT_SUPPORTED, view, at);
  }

  override discard(view: DataView, at: number): void {
    this.end(view, at); // with right data it would be no better
  }
}

/** Takes a Login Request after the login, which ends the session (RFC 7143 §4.2.4). */
export class LateLoginHandler extends FullFeatureHandler {
  override begin(view: DataView, at: number): void {
    throw new ProtocolError(`Cannot take a ${opcodeName(opcode(view, at))} after the login`, { clause: '4.2.4' });
  }

  end(): void {
    // Never reached.
  }
}
