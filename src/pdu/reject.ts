/*
  Reject (RFC 7143 §11.17)
     0  . . 0x3f        1 Reserved   Reason   Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  Reserved, 8 bytes
    16  0xffffffff
    20  Reserved
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  DataSN/R2TSN or Reserved
    40  Reserved, 8 bytes
    48  Complete Header of Bad PDU, vendor-specific data
*/

import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN } from './numbers.ts';
import { requireNoAhs } from './rules.ts';

/** The target does not take a PDU. */
export interface Reject {
  /** See `REJECT_REASONS`. */
  readonly reason: number;
  /** Bytes of the bad PDU's header and the vendor's data, padding excluded. */
  readonly dataSegmentLength: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** DataSN/R2TSN: of a rejected Data/R2T SNACK the next number that the target would send, else 0. */
  readonly dataSN: number;
}

/** Writes the 48 bytes of a Reject at `at`. */
export function writeReject(v: DataView, at: number, p: Reject): void {
  v.setUint32(at, 0x3f80_0000 | ((p.reason & 0xff) << 8));
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, 0);
  v.setUint32(at + 12, 0);
  v.setUint32(at + 16, RESERVED_TAG);
  v.setUint32(at + 20, 0);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, p.dataSN);
  v.setUint32(at + 40, 0);
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a Reject at `at`. */
export function readReject(v: DataView, at: number): Reject {
  return {
    reason: v.getUint8(at + 2),
    dataSegmentLength: dataSegmentLength(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    dataSN: v.getUint32(at + 36),
  };
}

/**
 * An unassigned reason and a header that is missing or cut are no error: what was refused stays refused.
 * @throws {ProtocolError} On AHS.
 */
export function checkReject(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a Reject');
}
