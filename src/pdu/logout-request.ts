/*
  Logout Request (RFC 7143 §11.14)
     0  . I 0x06        1 Reason Code (7 bits)   Reserved
     4  TotalAHSLength 0, DataSegmentLength 0
     8  Reserved, 8 bytes
    16  Initiator Task Tag
    20  CID or Reserved (2 bytes)   Reserved
    24  CmdSN
    28  ExpStatSN
    32  Reserved, 16 bytes
*/

import { ProtocolError } from '../errors.ts';
import { LOGOUT_REASONS } from '../spec/iscsi-logout.ts';
import { immediate, initiatorTaskTag } from './bhs.ts';
import { cmdSN, expStatSN } from './numbers.ts';
import { requireHeaderOnly, requireTaskTag } from './rules.ts';

/** Asks the target to close a connection or the session. */
export interface LogoutRequest {
  readonly immediate: boolean;
  /** See `LOGOUT_REASONS`. */
  readonly reason: number;
  readonly initiatorTaskTag: number;
  /** The connection to close; reserved when the session is closed. */
  readonly cid: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
}

/** Writes the 48 bytes of a Logout Request at `at`. */
export function writeLogoutRequest(v: DataView, at: number, p: LogoutRequest): void {
  v.setUint32(at, 0x0680_0000 | (p.immediate ? 0x4000_0000 : 0) | ((p.reason & 0x7f) << 16));
  v.setUint32(at + 4, 0);
  v.setUint32(at + 8, 0);
  v.setUint32(at + 12, 0);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.cid << 16);
  v.setUint32(at + 24, p.cmdSN);
  v.setUint32(at + 28, p.expStatSN);
  for (let reserved = 32; reserved < 48; reserved += 4) v.setUint32(at + reserved, 0);
}

/** Reads the 48 bytes of a Logout Request at `at`. */
export function readLogoutRequest(v: DataView, at: number): LogoutRequest {
  return {
    immediate: immediate(v, at),
    reason: v.getUint8(at + 1) & 0x7f,
    initiatorTaskTag: initiatorTaskTag(v, at),
    cid: v.getUint16(at + 20),
    cmdSN: cmdSN(v, at),
    expStatSN: expStatSN(v, at),
  };
}

/** @throws {ProtocolError} On AHS or data, the reserved tag, or a reserved reason. */
export function checkLogoutRequest(v: DataView, at: number): void {
  requireHeaderOnly(v, at, 'a Logout Request', '11.14.2');
  requireTaskTag(v, at, 'a Logout Request');
  const reason = v.getUint8(at + 1) & 0x7f;
  if (reason > LOGOUT_REASONS.REMOVE_CONNECTION_FOR_RECOVERY) {
    throw new ProtocolError(`Cannot take a Logout Request with the reserved reason ${reason}`, { clause: '11.14.1' });
  }
}
