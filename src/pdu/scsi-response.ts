/*
  SCSI Response (RFC 7143 §11.4)
     0  . . 0x21        1 . . o u O U .   Response   Status
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  Reserved, 8 bytes
    16  Initiator Task Tag
    20  SNACK Tag or Reserved
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  ExpDataSN or Reserved
    40  Bidirectional Read Residual Count or Reserved
    44  Residual Count or Reserved
    48  Sense and Response Data: see sense-segment.ts
*/

import { ProtocolError } from '../errors.ts';
import { dataSegmentLength, initiatorTaskTag } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN } from './numbers.ts';
import { requireNoAhs, requireSenseLength, requireTaskTag } from './rules.ts';

const BIDIRECTIONAL_OVERFLOW = 0x10;
const BIDIRECTIONAL_UNDERFLOW = 0x08;
const OVERFLOW = 0x04;
const UNDERFLOW = 0x02;

/** The Response field (RFC 7143 §11.4.3). 0x80 to 0xff are the vendor's, all others reserved. */
export const SCSI_RESPONSES = { COMPLETED_AT_TARGET: 0x00, TARGET_FAILURE: 0x01 } as const;

/** The first Response that is the vendor's. */

/** How a command ended. */
export interface ScsiResponse {
  /** o: the target had more to read than the initiator expected. */
  readonly bidirectionalOverflow: boolean;
  /** u: the target had less to read than the initiator expected. */
  readonly bidirectionalUnderflow: boolean;
  /** O: more to transfer than the initiator expected (of a bidirectional command: to write). */
  readonly overflow: boolean;
  /** U: less to transfer than the initiator expected (of a bidirectional command: to write). */
  readonly underflow: boolean;
  /** See `SCSI_RESPONSES`. Not 0: status and flags mean nothing. */
  readonly response: number;
  /** The SCSI status. */
  readonly status: number;
  /** Bytes of SenseLength, sense and response data, padding excluded. */
  readonly dataSegmentLength: number;
  readonly initiatorTaskTag: number;
  /** The last R-Data SNACK's tag, else 0. */
  readonly snackTag: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** How many Data-In PDUs the target sent for the command. */
  readonly expDataSN: number;
  /** Valid with o or u, in bytes. */
  readonly bidirectionalReadResidualCount: number;
  /** Valid with O or U, in bytes. */
  readonly residualCount: number;
}

/** Writes the 48 bytes of a SCSI Response at `at`. Hot path. */
export function writeScsiResponse(v: DataView, at: number, p: ScsiResponse): void {
  const flags =
    (p.bidirectionalOverflow ? BIDIRECTIONAL_OVERFLOW : 0) |
    (p.bidirectionalUnderflow ? BIDIRECTIONAL_UNDERFLOW : 0) |
    (p.overflow ? OVERFLOW : 0) |
    (p.underflow ? UNDERFLOW : 0);
  v.setUint32(at, 0x2180_0000 | (flags << 16) | ((p.response & 0xff) << 8) | (p.status & 0xff));
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, 0);
  v.setUint32(at + 12, 0);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.snackTag);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, p.expDataSN);
  v.setUint32(at + 40, p.bidirectionalReadResidualCount);
  v.setUint32(at + 44, p.residualCount);
}

/** Reads the 48 bytes of a SCSI Response at `at`. */
export function readScsiResponse(v: DataView, at: number): ScsiResponse {
  return {
    bidirectionalOverflow: scsiResponseBidirectionalOverflow(v, at),
    bidirectionalUnderflow: scsiResponseBidirectionalUnderflow(v, at),
    overflow: scsiResponseOverflow(v, at),
    underflow: scsiResponseUnderflow(v, at),
    response: scsiResponseResponse(v, at),
    status: scsiResponseStatus(v, at),
    dataSegmentLength: dataSegmentLength(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    snackTag: scsiResponseSnackTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    expDataSN: scsiResponseExpDataSN(v, at),
    bidirectionalReadResidualCount: scsiResponseBidirectionalReadResidualCount(v, at),
    residualCount: scsiResponseResidualCount(v, at),
  };
}

/** The iSCSI service response: see `SCSI_RESPONSES`. */
export function scsiResponseResponse(v: DataView, at: number): number {
  return v.getUint8(at + 2);
}

/** The SCSI status, valid when the response is 0. */
export function scsiResponseStatus(v: DataView, at: number): number {
  return v.getUint8(at + 3);
}

/** O: more to transfer than the initiator expected. */
export function scsiResponseOverflow(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & OVERFLOW) !== 0;
}

/** U: less to transfer than the initiator expected. */
export function scsiResponseUnderflow(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & UNDERFLOW) !== 0;
}

/** o: more to read than the initiator of a bidirectional command expected. */
export function scsiResponseBidirectionalOverflow(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & BIDIRECTIONAL_OVERFLOW) !== 0;
}

/** u: less to read than the initiator of a bidirectional command expected. */
export function scsiResponseBidirectionalUnderflow(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & BIDIRECTIONAL_UNDERFLOW) !== 0;
}

/** The last R-Data SNACK's tag, else 0. */
export function scsiResponseSnackTag(v: DataView, at: number): number {
  return v.getUint32(at + 20);
}

/** How many Data-In PDUs the target sent for the command. */
export function scsiResponseExpDataSN(v: DataView, at: number): number {
  return v.getUint32(at + 36);
}

/** Bytes; valid with o or u. */
export function scsiResponseBidirectionalReadResidualCount(v: DataView, at: number): number {
  return v.getUint32(at + 40);
}

/** Bytes; valid with O or U. */
export function scsiResponseResidualCount(v: DataView, at: number): number {
  return v.getUint32(at + 44);
}

/**
 * Hot path. Flags are looked at only where the response says that they mean something. A reserved response (0x02 to
 * 0x7f) is taken: it says that the command was not carried out, as target failure does, and that is all that anybody
 * needs to know.
 * @throws {ProtocolError} On AHS, the reserved tag, a data segment too short for SenseLength, or O with U, or o with u.
 */
export function checkScsiResponse(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a SCSI Response');
  requireTaskTag(v, at, 'a SCSI Response');
  requireSenseLength(v, at, 'a SCSI Response', '11.4.7');
  if (scsiResponseResponse(v, at) !== SCSI_RESPONSES.COMPLETED_AT_TARGET) return;
  if (scsiResponseOverflow(v, at) && scsiResponseUnderflow(v, at)) refuse('with both O and U', '11.4.1');
  if (scsiResponseBidirectionalOverflow(v, at) && scsiResponseBidirectionalUnderflow(v, at)) {
    refuse('with both o and u', '11.4.1');
  }
}

function refuse(what: string, clause: string): never {
  throw new ProtocolError(`Cannot take a SCSI Response ${what}`, { clause });
}
