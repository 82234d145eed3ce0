/*
  Login Response (RFC 7143 §11.13)
     0  . . 0x23        T C . . CSG NSG   Version-max   Version-active
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  ISID (6 bytes)
    14  TSIH (2 bytes)
    16  Initiator Task Tag
    20  Reserved
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  Status-Class    Status-Detail   Reserved
    40  Reserved, 8 bytes
    48  Login Parameters in Text Request Format
*/

import { ProtocolError } from '../errors.ts';
import { LOGIN_STATUS_CLASS } from '../spec/iscsi-login-status.ts';
import { dataSegmentLength, initiatorTaskTag } from './bhs.ts';
import { readIsid, writeIsidAndTsih } from './isid.ts';
import { expCmdSN, maxCmdSN, statSN } from './numbers.ts';
import { requireKnownStages, requireNoAhs, requireNotFinalAndContinued } from './rules.ts';

/** One step of the login, from the target. */
export interface LoginResponse {
  /** T: the stage ends. */
  readonly transit: boolean;
  /** C: the text goes on in the next response. */
  readonly continues: boolean;
  /** CSG: 0 SecurityNegotiation, 1 LoginOperationalNegotiation, 3 FullFeaturePhase. */
  readonly currentStage: number;
  /** NSG: meaningful with `transit` only. */
  readonly nextStage: number;
  readonly versionMax: number;
  readonly versionActive: number;
  /** Bytes of text, padding excluded. */
  readonly dataSegmentLength: number;
  /** The six bytes of the ISID as one number, 0..2^48-1. */
  readonly isid: number;
  /** As in the request; the last response of a new session brings its handle. */
  readonly tsih: number;
  readonly initiatorTaskTag: number;
  /** Like the next two valid with status class 0 only. */
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** See `LOGIN_STATUS_CLASS`. */
  readonly statusClass: number;
  /** See `LOGIN_STATUS`. */
  readonly statusDetail: number;
}

/** Writes the 48 bytes of a Login Response at `at`. */
export function writeLoginResponse(v: DataView, at: number, p: LoginResponse): void {
  const flags = (p.transit ? 0x80 : 0) | (p.continues ? 0x40 : 0) | ((p.currentStage & 3) << 2) | (p.nextStage & 3);
  v.setUint32(at, 0x2300_0000 | (flags << 16) | ((p.versionMax & 0xff) << 8) | (p.versionActive & 0xff));
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  writeIsidAndTsih(v, at, p.isid, p.tsih);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, 0);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, (p.statusClass << 24) | ((p.statusDetail & 0xff) << 16));
  v.setUint32(at + 40, 0);
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a Login Response at `at`. */
export function readLoginResponse(v: DataView, at: number): LoginResponse {
  const flags = v.getUint8(at + 1);
  return {
    transit: (flags & 0x80) !== 0,
    continues: (flags & 0x40) !== 0,
    currentStage: (flags >>> 2) & 3,
    nextStage: flags & 3,
    versionMax: v.getUint8(at + 2),
    versionActive: v.getUint8(at + 3),
    dataSegmentLength: dataSegmentLength(v, at),
    isid: readIsid(v, at),
    tsih: v.getUint16(at + 14),
    initiatorTaskTag: initiatorTaskTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    statusClass: v.getUint8(at + 36),
    statusDetail: v.getUint8(at + 37),
  };
}

/**
 * The flags of a response that refuses the login are reserved, so they are not looked at. An unknown status detail is
 * no error: its class says what to do.
 * @throws {ProtocolError} On AHS, a reserved status class, T together with C, or the reserved stage.
 */
export function checkLoginResponse(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a Login Response');
  const statusClass = v.getUint8(at + 36);
  if (statusClass > LOGIN_STATUS_CLASS.TARGET_ERROR) {
    throw new ProtocolError(`Cannot take a Login Response with the reserved status class ${statusClass}`, {
      clause: '11.13.5',
    });
  }
  if (statusClass !== LOGIN_STATUS_CLASS.SUCCESS) return;
  requireNotFinalAndContinued(v, at, 'a Login Response', '11.13.7');
  requireKnownStages(v, at, 'a Login Response');
}
