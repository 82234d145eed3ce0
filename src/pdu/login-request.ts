/*
  Login Request (RFC 7143 §11.12)
     0  . 1 0x03        T C . . CSG NSG   Version-max   Version-min
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  ISID (6 bytes)
    14  TSIH (2 bytes)
    16  Initiator Task Tag
    20  CID (2 bytes)   Reserved
    24  CmdSN
    28  ExpStatSN or Reserved
    32  Reserved, 16 bytes
    48  Login Parameters in Text Request Format
*/

import { dataSegmentLength, initiatorTaskTag } from './bhs.ts';
import { readIsid, writeIsidAndTsih } from './isid.ts';
import { cmdSN, expStatSN } from './numbers.ts';
import { requireKnownStages, requireNoAhs, requireNotFinalAndContinued, requireTaskTag } from './rules.ts';

/** One step of the login, from the initiator. It is always immediate. */
export interface LoginRequest {
  /** T: ready to move to `nextStage`. */
  readonly transit: boolean;
  /** C: the text goes on in the next request. */
  readonly continues: boolean;
  /** CSG: 0 SecurityNegotiation, 1 LoginOperationalNegotiation, 3 FullFeaturePhase. */
  readonly currentStage: number;
  /** NSG: meaningful with `transit` only. */
  readonly nextStage: number;
  readonly versionMax: number;
  readonly versionMin: number;
  /** Bytes of text, padding excluded. */
  readonly dataSegmentLength: number;
  /** The six bytes of the ISID as one number, 0..2^48-1. */
  readonly isid: number;
  /** 0 for a new session. */
  readonly tsih: number;
  readonly initiatorTaskTag: number;
  /** Connection ID. */
  readonly cid: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
}

/** Writes the 48 bytes of a Login Request at `at`. */
export function writeLoginRequest(v: DataView, at: number, p: LoginRequest): void {
  const flags = (p.transit ? 0x80 : 0) | (p.continues ? 0x40 : 0) | ((p.currentStage & 3) << 2) | (p.nextStage & 3);
  v.setUint32(at, 0x4300_0000 | (flags << 16) | ((p.versionMax & 0xff) << 8) | (p.versionMin & 0xff));
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  writeIsidAndTsih(v, at, p.isid, p.tsih);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.cid << 16);
  v.setUint32(at + 24, p.cmdSN);
  v.setUint32(at + 28, p.expStatSN);
  for (let reserved = 32; reserved < 48; reserved += 4) v.setUint32(at + reserved, 0);
}

/** Reads the 48 bytes of a Login Request at `at`. */
export function readLoginRequest(v: DataView, at: number): LoginRequest {
  const flags = v.getUint8(at + 1);
  return {
    transit: (flags & 0x80) !== 0,
    continues: (flags & 0x40) !== 0,
    currentStage: (flags >>> 2) & 3,
    nextStage: flags & 3,
    versionMax: v.getUint8(at + 2),
    versionMin: v.getUint8(at + 3),
    dataSegmentLength: dataSegmentLength(v, at),
    isid: readIsid(v, at),
    tsih: v.getUint16(at + 14),
    initiatorTaskTag: initiatorTaskTag(v, at),
    cid: v.getUint16(at + 20),
    cmdSN: cmdSN(v, at),
    expStatSN: expStatSN(v, at),
  };
}

/** @throws {ProtocolError} On AHS, the reserved tag, T together with C, or the reserved stage. */
export function checkLoginRequest(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a Login Request');
  requireTaskTag(v, at, 'a Login Request');
  requireNotFinalAndContinued(v, at, 'a Login Request', '11.12.2');
  requireKnownStages(v, at, 'a Login Request');
}
