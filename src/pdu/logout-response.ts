/*
  Logout Response (RFC 7143 §11.15)
     0  . . 0x26        1 Reserved   Response   Reserved
     4  TotalAHSLength 0, DataSegmentLength 0
     8  Reserved, 8 bytes
    16  Initiator Task Tag
    20  Reserved
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  Reserved
    40  Time2Wait (2 bytes)   Time2Retain (2 bytes)
    44  Reserved
*/

import { initiatorTaskTag } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN } from './numbers.ts';
import { requireHeaderOnly, requireTaskTag } from './rules.ts';

/** What became of a logout. */
export interface LogoutResponse {
  /** See `LOGOUT_RESPONSES`. */
  readonly response: number;
  readonly initiatorTaskTag: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** Seconds to wait before trying again; not valid when the CID was not found. */
  readonly time2Wait: number;
  /** Seconds after that for which the target keeps the state. */
  readonly time2Retain: number;
}

/** Writes the 48 bytes of a Logout Response at `at`. */
export function writeLogoutResponse(v: DataView, at: number, p: LogoutResponse): void {
  v.setUint32(at, 0x2680_0000 | ((p.response & 0xff) << 8));
  v.setUint32(at + 4, 0);
  v.setUint32(at + 8, 0);
  v.setUint32(at + 12, 0);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, 0);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, 0);
  v.setUint32(at + 40, (p.time2Wait << 16) | (p.time2Retain & 0xffff));
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a Logout Response at `at`. */
export function readLogoutResponse(v: DataView, at: number): LogoutResponse {
  return {
    response: v.getUint8(at + 2),
    initiatorTaskTag: initiatorTaskTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    time2Wait: v.getUint16(at + 40),
    time2Retain: v.getUint16(at + 42),
  };
}

/**
 * The response code is not checked: whatever it is, the connection goes.
 * @throws {ProtocolError} On AHS or data, or the reserved tag.
 */
export function checkLogoutResponse(v: DataView, at: number): void {
  requireHeaderOnly(v, at, 'a Logout Response', '11.15.2');
  requireTaskTag(v, at, 'a Logout Response');
}
